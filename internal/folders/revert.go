package folders

import (
	"context"

	"github.com/mootspace/moot"
)

// revert gives up what was changed here: it is put in place again.
func (r *runner) revert(ctx context.Context) error {
	r.mu.Lock()
	running := r.cancel != nil
	r.mu.Unlock()
	if running {
		return r.ask(ctx, request{revert: true, done: make(chan error, 1)})
	}
	return r.alone(ctx, func(f *folder) {
		if err := f.observe(ctx, nil); err == nil {
			f.revert()
		}
	})
}

// revert removes what is new here, and has what was changed or removed put in place anew.
func (f *folder) revert() {
	list := make([]*node, 0, len(f.todo))
	for n := range f.todo {
		list = append(list, n)
	}
	sortByPath(list)
	for i := len(list) - 1; i >= 0; i-- {
		n := list[i]
		at := n.path()
		if !n.gone {
			if err := f.dir.Remove(at); err != nil && moot.KindOf(err) != moot.NotFound {
				f.failed(at, err)
				continue
			}
		}
		f.unnotice(n)
		f.local.remove(n)
	}
	f.progress.applied = false
}
