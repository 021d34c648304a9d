package folders_test

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/tree"
)

// userDestroyed reports whether a user overwrote or removed a content.
func (w *world) userDestroyed(id moot.BlobID) bool {
	for _, m := range w.members {
		for content := range m.destroyed {
			if blob.IDOf([]byte(content)) == id {
				return true
			}
		}
	}
	return false
}

// same wants all directories to be what the space shows.
func (w *world) same() {
	w.t.Helper()
	missing := map[string]bool{}
	there := func(list []string) []string { // what lies where missing content should
		return slices.DeleteFunc(list, func(s string) bool { name, _, _ := strings.Cut(s, "="); return missing[name] })
	}
	for _, m := range w.members {
		var shown []string
		for p, s := range m.tree.Walk("shared") {
			rel := strings.TrimPrefix(p, "shared/")
			switch s.Type {
			case tree.Folder:
				rel += "/"
			case tree.Link:
				rel += ">" + s.Target
			default:
				content := m.find(s.Blob.ID)
				if content == nil && w.userDestroyed(s.Blob.ID) {
					missing[rel] = true
					continue // killed before it was recorded, and removed before the next look
				}
				if int64(len(content)) != s.Blob.Size {
					content = fmt.Appendf(nil, "%d bytes that nobody has", s.Blob.Size)
				}
				rel += "=" + string(content)
			}
			shown = append(shown, rel)
		}
		sort.Strings(shown)
		if got := strings.Join(there(strings.Split(m.names(), "|")), "|"); got != strings.Join(shown, "|") {
			w.t.Errorf("member %d has\n  %s\nand the space shows\n  %s", m.key[0], got, strings.Join(shown, "|"))
		}
	}
	for _, m := range w.members[1:] {
		if a, b := there(w.members[0].list()), there(m.list()); !slices.Equal(a, b) {
			w.t.Errorf("the first has\n  %s\nand another\n  %s", strings.Join(a, "\n  "), strings.Join(b, "\n  "))
		}
	}
}

// lost wants all that was written, and that no user destroyed, to be on a disk, or to have
// been stored, so that the history has it.
func (w *world) lost() {
	w.t.Helper()
	there, destroyed := map[string]bool{}, map[string]bool{}
	for _, content := range w.bytes {
		there[string(content)] = !w.strict
	}
	n := 0
	for _, m := range w.members {
		for _, content := range contents(m.user) {
			there[content] = true
		}
		maps.Copy(destroyed, m.destroyed)
	}
	for _, m := range w.members {
		for content := range m.wrote {
			if !there[content] && !destroyed[content] {
				w.t.Errorf("%s was lost", content)
			}
			n++
		}
	}
	w.t.Logf("%d contents written", n)
}
