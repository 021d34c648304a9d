package folders_test

import (
	"os"
	"testing"

	"github.com/mootspace/moot"
)

// A change that was stated, or not, when the program was killed or the space went away is
// not stated again, and what the user does meanwhile follows it.
func TestIntent(t *testing.T) {
	for _, at := range []string{"state", "stated"} {
		for _, killed := range []bool{false, true} {
			t.Run(at, func(t *testing.T) {
				w := newWorld(t, 2)
				a, b := w.members[0], w.members[1]
				for _, name := range []string{"edited", "moved", "old", "removed", "stays"} {
					a.write(name, name)
				}
				w.converge()
				a.write("edited", "1")
				a.write("new", "1")
				a.write("folder/new", "1")
				must(t, os.Rename(a.path("moved"), a.path("moved2")))
				must(t, os.Remove(a.path("old")))
				a.fails(at, killed)
				a.write("edited", "2")
				a.write("new", "2")
				must(t, os.Rename(a.path("folder"), a.path("folder2")))
				must(t, os.Rename(a.path("moved2"), a.path("moved3")))
				must(t, os.Remove(a.path("removed")))
				w.converge()
				want := "edited=2|folder2/|folder2/new=1|moved3=moved|new=2|stays=stays"
				if got := b.names(); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				w.same()
			})
		}
	}
}

// fails has a pass fail at a call, as of a program that was killed then.
func (m *member) fails(at string, killed bool) {
	m.before = func(op, _ string) error {
		if op == at {
			return moot.Errorf(moot.Unavailable, "nobody answers")
		}
		return nil
	}
	if _, err := m.service.Once(m.t.Context(), m.dir, nil); moot.KindOf(err) != moot.Unavailable {
		m.t.Errorf("%v", err)
	}
	m.before = nil
	if killed {
		must(m.t, m.service.Close())
		m.open()
	}
}
