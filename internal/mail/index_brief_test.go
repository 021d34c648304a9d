package mail_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/mootspace/moot/internal/mail"
)

// TestBriefLists: a brief list of a folder is what the index has, after each change.
func TestBriefLists(t *testing.T) {
	_, p := gather(t, "owner", "ann", "bob")
	ann := p[1]
	same := func(after string, folders ...string) {
		t.Helper()
		for _, f := range folders {
			got, err := ann.List(t.Context(), mail.Query{Folder: f, Brief: true})
			want, werr := ann.List(t.Context(), mail.Query{Folder: f, Brief: true, First: 1})
			if err != nil || werr != nil {
				t.Fatal(after, err, werr)
			}
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("after %s: %s has\n%v\nlisted as\n%v", after, f, want, got)
			}
		}
	}
	all := []string{mail.Inbox, "Work", mail.TrashFolder}
	same("nothing", all...)
	for i := range 4 {
		ann.saves(t, mail.Inbox, fmt.Sprintf("Subject: %d\r\n\r\nx\r\n", i))
		same("an arrival", all...)
	}
	uid := func(i int) uint32 { return ann.has(t, mail.Inbox)[i].UID }
	if err := ann.SetFolder(t.Context(), "", "Work"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []mail.Change{
		{UID: uid(0), Set: []mail.Flag{mail.Seen}},
		{UID: uid(0), Set: []mail.Flag{mail.Flagged}, Clear: []mail.Flag{mail.Seen}},
		{UID: uid(1), Copy: "Work"},
		{UID: uid(1), Move: mail.TrashFolder},
		{UID: uid(2), Remove: true},
	} {
		c.Folder = mail.Inbox
		ann.changes(t, c)
		same(fmt.Sprint(c), all...)
	}
	// As many are added as are removed, and a folder is made anew.
	ann.changes(t, mail.Change{Folder: mail.Inbox, UID: uid(0), Remove: true})
	ann.saves(t, mail.Inbox, "Subject: another\r\n\r\nx\r\n")
	same("one for another", all...)
	for _, to := range []string{"", "Work"} {
		from := map[string]string{"": "Work"}[to]
		if err := ann.SetFolder(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ann.Save(t.Context(), "Work", nil, time.UnixMilli(1e12), text("ann", "New", "x")); err != nil {
		t.Fatal(err)
	}
	same("a folder made anew", all...)
}
