package suite

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/folders"
)

// foldersInStep: directories of three members stay the same, whatever is done in them, in a
// partition and when a node restarts.
func foldersInStep(t T, w *World) {
	all := []*Member{w.Member(0), w.Member(1), w.Member(2)}
	dirs := make([]string, len(all))
	for i, m := range all {
		dirs[i] = t.TempDir()
		_, err := m.Session().Folders.Add(t.Context(), dirs[i], folders.Options{Name: "team"})
		w.must(err)
		w.must(os.WriteFile(filepath.Join(dirs[i], m.Name), []byte("by "+m.Name), 0o644))
	}
	alike := func(what string) {
		t.Helper()
		Eventually(t, what, func() error {
			first := contentOf(dirs[0])
			for i := range all {
				if here := contentOf(dirs[i]); !slices.Equal(first, here) || len(here) < len(all) {
					return moot.Errorf(moot.Unavailable, "%s has %q and %s %q", all[0].Name, first, all[i].Name, here)
				}
			}
			return nil
		})
	}
	alike("what each wrote is everywhere")
	w.must(os.MkdirAll(filepath.Join(dirs[1], "d", "empty"), 0o750))
	w.must(os.WriteFile(filepath.Join(dirs[1], "d", "run.sh"), []byte(strings.Repeat("#", 100_000)), 0o755))
	w.must(os.Symlink("run.sh", filepath.Join(dirs[1], "d", "link")))
	alike("folders, modes and links are carried")
	w.must(os.Rename(filepath.Join(dirs[2], "d"), filepath.Join(dirs[2], "e")))
	alike("a folder is renamed")
	w.Cut(all[1], all[2])
	w.Cut(all[0], all[2])
	for i := range dirs {
		w.must(os.WriteFile(filepath.Join(dirs[i], "plan"), []byte("of "+all[i].Name), 0o600))
	}
	w.must(os.RemoveAll(filepath.Join(dirs[0], "e")))
	w.Heal()
	alike("a conflict has the same winner everywhere")
	random := rand.New(rand.NewPCG(7, 7))
	for step := range 60 {
		changeSomething(dirs[random.IntN(len(dirs))], random, step)
	}
	alike("whatever was done, all are the same")
}

// contentOf lists a directory: names, kinds, modes and contents.
func contentOf(dir string) (all []string) {
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, p)
		if err != nil || rel == "." {
			return nil //nolint:nilerr // it changes while it is listed, and is listed again
		}
		if rel == ".moot" {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		line := rel + " " + info.Mode().String()
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(p)
			line += " " + to
		case d.Type().IsRegular():
			content, _ := os.ReadFile(p)
			line += fmt.Sprintf(" %d %x %s", len(content), content[:min(len(content), 32)], info.ModTime())
		}
		all = append(all, line)
		return nil
	})
	return all
}

// changeSomething does one thing that people do in a directory; what cannot be done is left.
func changeSomething(dir string, r *rand.Rand, step int) {
	names := []string{"a", "b", "c", "a/x", "b/y", "c/z"}
	p, q := filepath.Join(dir, names[r.IntN(len(names))]), filepath.Join(dir, names[r.IntN(len(names))])
	switch r.IntN(6) {
	case 0, 1:
		_ = os.WriteFile(p, fmt.Appendf(nil, "%d", step), 0o644)
	case 2:
		_ = os.Mkdir(p, 0o755)
	case 3:
		_ = os.Rename(p, q)
	case 4:
		_ = os.Remove(p)
	case 5:
		_ = os.Symlink("nowhere", p)
	}
}
