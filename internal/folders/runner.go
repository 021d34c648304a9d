package folders

import (
	"context"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// runner runs one folder, stops it and tells others about it.
type runner struct {
	service *Service
	log     listeners

	mu     sync.Mutex // guards what follows
	stored stored
	active *folder            // nil while nothing runs
	last   *Status            // of the time before
	cancel context.CancelFunc // ends the goroutine; nil if there is none
	done   chan struct{}
	kick   chan request
}

// request asks a running folder for something.
type request struct {
	revert bool
	done   chan error // receives the outcome once the folder rests; buffered
}

func newRunner(s *Service, one stored) *runner {
	return &runner{service: s, stored: one, kick: make(chan request), log: listeners{list: map[*func(Event)]struct{}{}}}
}

func (r *runner) name() string { return r.stored.settings.Name }

// Status returns how far the folder is.
func (r *runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active != nil {
		if s := r.active.status.Load(); s != nil {
			return *s
		}
	}
	s := Status{}
	if r.last != nil {
		s = *r.last
	}
	s.Dir, s.Name, s.ReadOnly, s.Except = r.stored.dir, r.stored.settings.Name, r.stored.settings.ReadOnly, r.stored.settings.Except
	if r.stored.settings.Paused {
		s.State = Paused
	}
	return s
}

// start runs the folder in a goroutine, unless it is paused.
func (r *runner) start(ctx context.Context, group *sync.WaitGroup) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil || r.stored.settings.Paused {
		return
	}
	ctx, r.cancel = context.WithCancel(ctx)
	done := make(chan struct{})
	r.done = done
	run := func() {
		defer close(done)
		r.run(ctx)
	}
	if group != nil {
		group.Go(run)
	} else {
		go run()
	}
}

// stop ends the goroutine and waits for it.
func (r *runner) stop() {
	r.mu.Lock()
	cancel, done := r.cancel, r.done
	r.cancel = nil
	r.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}

// configure changes the settings; a running folder starts anew with them.
func (r *runner) configure(ctx context.Context, change func(*settings)) error {
	r.stop()
	r.mu.Lock()
	change(&r.stored.settings)
	err := r.service.database.put(ctx, &r.stored)
	r.mu.Unlock()
	r.service.mu.Lock()
	running := r.service.running
	r.service.mu.Unlock()
	if running != nil {
		r.start(running, nil)
	}
	return err
}

// run keeps the folder in step until ctx ends. A directory that is away is waited for.
func (r *runner) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.session(ctx)
		if ctx.Err() != nil {
			return
		}
		r.setLast(Away, err)
		r.service.cfg.Log.Warn("a folder is not kept in step", "dir", r.stored.dir, "error", err)
		select {
		case <-time.After(checkEvery):
		case q := <-r.kick:
			q.done <- err
		case <-ctx.Done():
		}
	}
}

func (r *runner) setLast(state State, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{State: state}
	if err != nil {
		s.Why = err.Error()
	}
	r.last = &s
}

// open opens the directory and what was agreed on.
func (r *runner) open(ctx context.Context) (*folder, error) {
	dir, err := r.service.cfg.Open(r.stored.dir)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l, err := r.service.database.load(ctx, r.stored.row)
	if err != nil {
		_ = dir.Close() // err is what is reported
		return nil, err
	}
	f := &folder{
		stored: r.stored, space: r.service.cfg.Space, database: r.service.database, dir: dir, ignore: patterns(r.stored.settings),
		now: r.service.cfg.Now, log: r.service.cfg.Log, report: r.log.report, local: l,
		todo: map[*node]*waiting{}, problems: map[string]*Problem{}, progress: progress{again: map[string]bool{}, unsure: true}, watcher: newWatcher(),
	}
	caseless, normal, err := dir.Folds()
	if caseless || normal {
		f.fold = folding(caseless, normal)
	}
	if err = firstErr(err, f.check()); err != nil {
		return nil, firstErr(err, dir.Close())
	}
	r.active = f
	f.publishStatus()
	return f, nil
}

// close lets go of the directory.
func (r *runner) close(f *folder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active = nil
	r.last = f.status.Load()
	r.stored.settings = f.settings
	if err := f.dir.Close(); err != nil {
		r.service.cfg.Log.Debug("close a folder", "error", err)
	}
}

// read opens the directory, which excludes a session, until end is called.
func (r *runner) read(ctx context.Context) (end func(), err error) {
	f, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.active = nil
		if err := f.dir.Close(); err != nil {
			r.service.cfg.Log.Debug("close a folder", "error", err)
		}
	}, nil
}

// session keeps the folder in step until something fails that concerns all of it.
func (r *runner) session(ctx context.Context) error {
	f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer r.close(f)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := f.watcher
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { w.watch(ctx, f) })
	remote := f.space.Changed(ctx)
	var dirs map[string]bool // nil: all
	var asked []request
	for {
		next, err := f.pass(ctx, dirs)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		next, err = r.afterPass(ctx, f, next, err, &asked)
		if err != nil {
			return err
		}
		timer := time.NewTimer(next)
		dirs, err = r.wait(ctx, f, w, remote, timer, &asked)
		timer.Stop()
		if err != nil {
			return err
		}
	}
}

// afterPass stores what a pass has changed of the settings, and answers those who wait.
func (r *runner) afterPass(ctx context.Context, f *folder, next time.Duration, err error, asked *[]request) (time.Duration, error) {
	if f.progress.unsaved {
		f.progress.unsaved = false
		if err := f.database.put(ctx, &f.stored); err != nil {
			return 0, err
		}
	}
	switch {
	case moot.KindOf(err) == moot.Unavailable && f.check() != nil:
		return 0, err
	case err != nil:
		f.failed("", err)
		next = firstRetry
		f.status.Store(f.snapshot(Waiting, err.Error()))
	default:
		f.forgive("")
		f.status.Store(f.snapshot(f.resting(), ""))
	}
	if len(f.progress.again) > 0 {
		next = min(next, quietFor)
	}
	if err != nil || len(f.progress.again) == 0 && !f.sendable() {
		for _, q := range *asked {
			q.done <- err
		}
		*asked = nil
	}
	return next, nil
}

// wait returns which folders to look at next: those of which events told, those in which
// the user was quicker, or all.
func (r *runner) wait(ctx context.Context, f *folder, w *watcher, remote <-chan struct{}, timer *time.Timer, asked *[]request) (map[string]bool, error) {
	whole := f.now().Sub(f.progress.looked) >= lookEvery
	select {
	case <-w.signal:
	case <-remote:
	case <-timer.C:
	case q := <-r.kick:
		*asked = append(*asked, q)
		whole = true
		if q.revert {
			f.revert()
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	dirs, all := w.take()
	if whole || all {
		f.progress.looked = f.now()
		clear(f.progress.again)
		return nil, nil
	}
	for d := range f.progress.again {
		dirs[d] = true
	}
	clear(f.progress.again)
	return dirs, nil
}

// once has the folder looked at, and waits until it rests.
func (r *runner) once(ctx context.Context, report func(Event)) (Status, error) {
	if report != nil {
		defer r.log.add(report)()
	}
	r.mu.Lock()
	running := r.cancel != nil
	r.mu.Unlock()
	if !running {
		if err := r.alone(ctx, func(*folder) {}); err != nil {
			return r.Status(), err
		}
		return r.Status(), nil
	}
	err := r.ask(ctx, request{done: make(chan error, 1)})
	return r.Status(), err
}

func (r *runner) ask(ctx context.Context, q request) error {
	select {
	case r.kick <- q:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-q.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// alone runs passes without a goroutine until the folder rests.
func (r *runner) alone(ctx context.Context, before func(*folder)) error {
	f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer r.close(f)
	before(f)
	for {
		next, err := f.pass(ctx, nil)
		if err != nil {
			f.status.Store(f.snapshot(Waiting, err.Error()))
			return err
		}
		if f.progress.unsaved {
			if err := f.database.put(ctx, &f.stored); err != nil {
				return err
			}
		}
		f.status.Store(f.snapshot(f.resting(), ""))
		if len(f.progress.again) == 0 && !f.sendable() {
			return nil
		}
		clear(f.progress.again)
		timer := time.NewTimer(min(next, quietFor))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// sendable reports whether something will be sent as soon as it is quiet.
func (f *folder) sendable() bool {
	if f.settings.ReadOnly {
		return false
	}
	for n, w := range f.todo {
		if !f.heldBack(n.path()) && w.wait < time.Second {
			return true
		}
	}
	return false
}

// follow reports events until ctx ends; meanwhile the folder is kept in step also if
// nothing else has it so.
func (r *runner) follow(ctx context.Context, report func(Event)) error {
	defer r.log.add(report)()
	r.mu.Lock()
	running := r.cancel != nil
	r.mu.Unlock()
	if !running {
		r.start(ctx, nil)
		defer r.stop()
	}
	<-ctx.Done()
	return nil
}
