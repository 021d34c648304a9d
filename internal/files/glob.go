package files

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// GetAll writes what names and patterns stand for into a directory, which is made if there
// is none. In a pattern * stands for any part of one name, ? for a character, [a-z] for one
// of several, ** for any folders. It goes on after an error, and returns the first. Kinds:
// those of Get; Conflict also for two things of one name.
func (fs *Files) GetAll(ctx context.Context, names []string, dir string, progress Progress) ([]Result, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, osError(err)
	}
	found, failed := fs.expand(ctx, names)
	var total int64
	for _, in := range found {
		total = plus(total, in.Content)
	}
	count := counter(progress, total)
	all, seen := []Result{}, map[string]string{}
	for _, in := range found {
		base := path.Base(in.Name)
		err := localName(base)
		if other, taken := seen[base]; taken && err == nil {
			err = moot.Errorf(moot.Conflict, "%q has the same last part: get it to another path", other)
		}
		seen[base] = in.Name
		if err == nil {
			in.Path = filepath.Join(dir, base)
			err = inTheWay(in.File, in.Path)
		}
		if err == nil {
			var done Result
			if done, err = fs.get(ctx, in, count); err == nil {
				all = append(all, done)
			}
		}
		failed = firstOf(failed, moot.Wrap("get "+in.Name, err))
		if ctx.Err() != nil {
			break
		}
	}
	return all, failed
}

// expand finds what names and patterns stand for, each once, and the first error.
func (fs *Files) expand(ctx context.Context, names []string) (found []inside, failed error) {
	add := func(in inside) {
		same := func(o inside) bool { return o.Name == in.Name && o.Blob == in.Blob }
		if !slices.ContainsFunc(found, same) {
			found = append(found, in)
		}
	}
	for _, name := range names {
		in, err := fs.find(ctx, name)
		if err == nil {
			add(in)
			continue
		}
		if !strings.ContainsAny(name, "*?[") || moot.KindOf(err) != moot.NotFound {
			failed = firstOf(failed, moot.Wrap("get "+name, err))
			continue
		}
		matched, err := fs.match(ctx, trimmed(name))
		failed = firstOf(failed, moot.Wrap("get "+name, err))
		for _, in := range matched {
			add(in)
		}
	}
	return found, failed
}

// match returns what a pattern matches, but nothing in a folder that matches itself.
func (fs *Files) match(ctx context.Context, pattern string) (found []inside, err error) {
	parts := strings.Split(pattern, "/")
	for _, p := range parts {
		if _, err := path.Match(p, ""); err != nil {
			return nil, moot.Errorf(moot.Invalid, "%q is no pattern", p)
		}
	}
	err = fs.o.Index.View(ctx, func(t *tree.Tree) error {
		within := ""
		for name, s := range t.Walk("") {
			if within != "" && strings.HasPrefix(name, within) || !matches(parts, strings.Split(name, "/")) {
				continue
			}
			f := fs.of(name, s)
			if s.Type == tree.Folder {
				within = name + "/"
				sum(t, &f)
			}
			found = append(found, inside{File: f, name: name, list: f.frozenList()})
		}
		if len(found) == 0 {
			return errNoSuch(pattern)
		}
		return nil
	})
	return found, err
}

// matches reports whether the parts of a name match those of a pattern.
func matches(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(name) + 1 {
				if matches(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); err != nil || !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}
