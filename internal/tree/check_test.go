package tree

import (
	"fmt"
	"testing"

	"github.com/mootspace/moot"
)

// TestCheck has a server look at changes that were made on an old state.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, then, late func(w *world, e *Edit)
		ok                bool
	}{
		"a new name":           {nil, do("write b"), do("write c"), true},
		"a name just taken":    {nil, do("write c"), do("write c"), false},
		"the same, equal":      {nil, do("write c as 1"), do("write c as 1"), true},
		"an old version":       {do("write a"), do("write a"), do("write a"), false},
		"another file":         {do("write a"), do("write b"), do("write a"), true},
		"what was moved":       {do("write a"), do("move a b"), do("write a"), true},
		"onto a name":          {do("write a"), do("write b"), do("move a b"), false},
		"onto an equal file":   {do("write a as 1"), do("write b as 1"), do("move a b"), false},
		"away and anew":        {do("write a"), nil, do("move a b", "write a"), true},
		"a removed version":    {do("write a"), do("remove a"), do("write a"), false},
		"removed twice":        {do("write a"), do("remove a"), do("remove a"), false},
		"an edited file":       {do("write a"), do("write a"), do("remove a"), false},
		"mkdir twice":          {nil, do("mkdir d"), do("mkdir d"), true},
		"mkdir on a file":      {nil, do("write d"), do("mkdir d"), false},
		"a file on a folder":   {nil, do("mkdir d"), do("write d"), false},
		"in a new folder":      {nil, do("mkdir d"), do("write d/x"), true},
		"the same in new ones": {nil, do("write d/x"), do("write d/x"), false},
		"others in new ones":   {nil, do("write d/x"), do("write d/y"), true},
		"where it was before":  {do("write d/x"), nil, do("move d e", "write d/x"), true},
		"the same in one":      {do("mkdir d"), do("write d/x"), do("write d/x"), false},
		"a folder onto one":    {do("mkdir d"), do("mkdir e"), do("move d e"), false},
		"into what was moved":  {do("mkdir d", "mkdir e"), do("move d e/d"), do("move e d/e"), false},
		"rm -r of a full one":  {do("write d/x"), do("write d/y"), do("remove d"), true},
		"chmod":                {do("write a"), do("write a"), do("chmod a"), true},
	} {
		w := newWorld(t)
		apply := func(change func(w *world, e *Edit)) {
			if change != nil {
				w.do(1, func(e *Edit) { change(w, e) })
			}
		}
		apply(c.first)
		late := w.begin()
		c.late(w, late)
		apply(c.then)
		for _, entry := range w.finish(2, late) {
			if err := w.Check(entry); (err == nil) != c.ok || err != nil && moot.KindOf(err) != moot.Conflict {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// do returns a change out of words.
func do(lines ...string) func(w *world, e *Edit) {
	return func(w *world, e *Edit) {
		for i, line := range lines {
			var a, b string
			blob := int(w.n)*10 + i
			switch {
			case scan(line, "write %s as %d", &a, &blob), scan(line, "write %s", &a):
				w.write(a, blob)(e)
			case scan(line, "mkdir %s", &a):
				w.mkdir(a)(e)
			case scan(line, "move %s %s", &a, &b):
				w.move(a, b)(e)
			case scan(line, "remove %s", &a):
				w.remove(a)(e)
			case scan(line, "chmod %s", &a):
				e.Chmod(w.get(a).Item, 0o700)
			default:
				w.t.Fatalf("what is %q?", line)
			}
		}
	}
}

func scan(line, format string, args ...any) bool {
	n, err := fmt.Sscanf(line, format, args...)
	return err == nil && n == len(args)
}

func TestCheckOfTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.do(1, w.write("a", 1))[0]
	e := w.begin()
	w.write("a", 2)(e)
	entry := w.finish(2, e)[0]
	entry.Time = first.Time
	if err := w.Check(entry); moot.KindOf(err) != moot.Invalid {
		t.Errorf("dated before what it replaces: %v", err)
	}
	entry.Kind = moot.KindJob
	if err := w.Check(entry); moot.KindOf(err) != moot.Invalid {
		t.Errorf("a job: %v", err)
	}
	entry.Kind, entry.Body = moot.KindChange, []byte{1}
	if err := w.Check(entry); moot.KindOf(err) != moot.Invalid {
		t.Errorf("garbage: %v", err)
	}
}
