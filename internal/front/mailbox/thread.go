package mailbox

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// thread is a message with its answers; message is nil for one that is not there
// (RFC 5256, 3).
type thread struct {
	message  *sortable
	parent   *thread
	children []*thread
}

// first returns a thread's first message that is there.
func (t *thread) first() *sortable {
	for t.message == nil {
		t = t.children[0]
	}
	return t.message
}

// threadBySubject is the algorithm ORDEREDSUBJECT: all messages with one subject answer the
// first of them.
func threadBySubject(list []sortable) string {
	sortMessages(list, []sortKey{{"SUBJECT", false}, {"DATE", false}})
	root := &thread{}
	for i := range list {
		t := &thread{message: &list[i]}
		if n := len(root.children); n > 0 && root.children[n-1].message.subject == list[i].subject {
			root.children[n-1].adopt(t)
			continue
		}
		root.adopt(t)
	}
	return root.sorted().String()
}

// threadByReferences is the algorithm REFERENCES.
func threadByReferences(list []sortable) string {
	byID := map[string]*thread{}
	var all []*thread
	get := func(id string) *thread {
		if byID[id] == nil {
			byID[id] = &thread{}
			all = append(all, byID[id])
		}
		return byID[id]
	}
	for i := range list {
		m := &list[i]
		t := &thread{}
		if m.id == "" || byID[m.id] != nil && byID[m.id].message != nil { // none, or used before
			all = append(all, t)
		} else {
			t = get(m.id)
		}
		t.message = m
		var parent *thread
		for _, id := range m.references {
			next := get(id)
			if parent != nil && next.parent == nil && !next.above(parent) {
				parent.adopt(next)
			}
			parent = next
		}
		if parent != nil && !t.above(parent) {
			t.leave()
			parent.adopt(t)
		}
	}
	root := &thread{}
	for _, t := range all {
		if t.parent == nil {
			root.children = append(root.children, t)
		}
	}
	root.prune(true)
	root.sorted().joinSubjects()
	return root.sorted().String()
}

func (t *thread) adopt(child *thread) {
	child.parent = t
	t.children = append(t.children, child)
}

func (t *thread) leave() {
	if p := t.parent; p != nil {
		p.children = slices.DeleteFunc(p.children, func(c *thread) bool { return c == t })
		t.parent = nil
	}
}

// above reports whether other is t or below it.
func (t *thread) above(other *thread) bool {
	for ; other != nil; other = other.parent {
		if other == t {
			return true
		}
	}
	return false
}

// prune removes messages that are not there; their answers take their place, but for
// several without a common parent.
func (t *thread) prune(root bool) {
	var list []*thread
	for _, c := range t.children {
		c.prune(false)
		switch {
		case c.message != nil, root && len(c.children) > 1:
			list = append(list, c)
		default:
			list = append(list, c.children...)
		}
	}
	t.children = list
}

// sorted sorts answers by the time at which they were sent.
func (t *thread) sorted() *thread {
	for _, c := range t.children {
		c.sorted()
	}
	slices.SortStableFunc(t.children, func(a, b *thread) int {
		x, y := a.first(), b.first()
		return cmp.Or(x.sent.Compare(y.sent), cmp.Compare(x.number, y.number))
	})
	return t
}

// joinSubjects joins threads with one subject (RFC 5256, 3, REFERENCES, step 5).
func (t *thread) joinSubjects() {
	bySubject := map[string]*thread{}
	for _, c := range t.children {
		f := c.first()
		old := bySubject[f.subject]
		if f.subject != "" && (old == nil || old.message != nil && (c.message == nil || old.message.reply && !f.reply)) {
			bySubject[f.subject] = c
		}
	}
	var list []*thread
	for _, c := range t.children {
		f := c.first()
		into := bySubject[f.subject]
		switch {
		case into == nil || into == c:
			list = append(list, c)
		case into.message == nil && c.message == nil:
			into.children = append(into.children, c.children...)
		case into.message == nil, f.reply && !into.message.reply:
			into.children = append(into.children, c)
		default:
			both := &thread{message: into.message, children: into.children}
			into.message, into.children = nil, []*thread{both, c}
		}
	}
	t.children = list
}

// String is the children as in the response (RFC 5256, 4: thread-list).
func (t *thread) String() string {
	var b strings.Builder
	for _, c := range t.children {
		b.WriteByte('(')
		c.write(&b)
		b.WriteByte(')')
	}
	return b.String()
}

// write writes a thread without parentheses. Answers to one message that has one answer
// each need none, which a chain of any length may be.
func (t *thread) write(b *strings.Builder) {
	for separator := ""; ; separator = " " {
		if t.message != nil {
			b.WriteString(separator + strconv.FormatUint(uint64(t.message.number), 10))
		}
		switch len(t.children) {
		case 0:
			return
		case 1:
			t = t.children[0]
			continue
		}
		if t.message != nil {
			b.WriteByte(' ')
		}
		b.WriteString(t.String())
		return
	}
}
