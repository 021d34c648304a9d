package mailapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/mailapi"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/suite"
)

// TestClient does everything that a mailbox can, at the other end of a connection.
func TestClient(t *testing.T) {
	w := suite.NewWorld(t, "memory", "in process", "peer-to-peer", 2)
	w.Alike()
	ann, bob := client(t, w.Member(1)), client(t, w.Member(2))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes := bob.Watch(ctx)
	sent, err := ann.Send(ctx, mail.Outgoing{To: []string{"bob"}, MIME: strings.NewReader("To: bob@moot.alt\r\nSubject: Lunch\r\n\r\nAt noon?\r\n")})
	if err != nil || len(sent.Members) != 1 || sent.Members[0] != w.Member(2).Key() {
		t.Fatalf("%+v, %v", sent, err)
	}
	for folders := range changes {
		if slices.Contains(folders, mail.Inbox) {
			break
		}
	}
	items, err := bob.List(ctx, mail.Query{Folder: mail.Inbox, Words: "noon"})
	if err != nil || len(items) != 1 || items[0].ID != sent.ID || items[0].Subject != "Lunch" {
		t.Fatalf("%+v, %v", items, err)
	}
	rc, err := bob.Open(ctx, sent.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if text, err := io.ReadAll(rc); err != nil || !strings.HasSuffix(string(text), "At noon?\r\n") {
		t.Errorf("%q, %v", text, err)
	}
	moved, err := bob.Change(ctx, mail.Change{Folder: mail.Inbox, UID: items[0].UID, Move: "Work", Set: []mail.Flag{mail.Seen}})
	if err != nil || len(moved) != 1 || moved[0].Folder != "Work" {
		t.Errorf("%+v, %v", moved, err)
	}
	suite.Eventually(t, "the receipt comes", func() error {
		receipts, err := ann.Receipts(ctx, sent.ID)
		if err == nil && (len(receipts) != 1 || receipts[0].Read.IsZero()) {
			err = moot.Errorf(moot.NotFound, "%+v", receipts)
		}
		return err
	})
	if err := bob.SetFolder(ctx, "Work", "Play"); err != nil {
		t.Error(err)
	}
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	draft, err := bob.Save(ctx, mail.DraftsFolder, []mail.Flag{mail.Draft}, at, strings.NewReader("Subject: later\r\n\r\nx\r\n"))
	if err != nil || !draft.Arrived.Equal(at) || !slices.Equal(draft.Flags, []mail.Flag{mail.Draft}) {
		t.Errorf("%+v, %v", draft, err)
	}
	folders, err := bob.Folders(ctx)
	if err != nil || !slices.ContainsFunc(folders, func(f mail.Folder) bool { return f.Name == "Play" && f.Messages == 1 }) {
		t.Errorf("%+v, %v", folders, err)
	}
}

// TestErrors fails unless errors keep their kinds on the way.
func TestErrors(t *testing.T) {
	w := suite.NewWorld(t, "memory", "in process", "peer-to-peer", 1)
	ann := client(t, w.Member(1))
	_, sendErr := ann.Send(t.Context(), mail.Outgoing{MIME: strings.NewReader("To: nobody@moot.alt\r\n\r\nx")})
	_, openErr := ann.Open(t.Context(), moot.BlobID{1})
	_, listErr := ann.List(t.Context(), mail.Query{Prefix: "zz"})
	for what, c := range map[string]struct {
		err  error
		kind moot.ErrorKind
	}{
		"to nobody":      {sendErr, moot.NotFound},
		"no message":     {openErr, moot.NotFound},
		"no ID":          {listErr, moot.Invalid},
		"inbox removed":  {ann.SetFolder(t.Context(), mail.Inbox, ""), moot.Denied},
		"no folder name": {ann.SetFolder(t.Context(), "", "/"), moot.Invalid},
	} {
		if moot.KindOf(c.err) != c.kind {
			t.Errorf("%s: %v (%s), want %s", what, c.err, moot.KindOf(c.err), c.kind)
		}
	}
}

// client returns a member's mailbox as seen over HTTP.
func client(t *testing.T, m *suite.Member) mail.Mailbox {
	t.Helper()
	account := m.Mail()
	srv := httptest.NewServer(mailapi.Handler(func(*http.Request) (mail.Mailbox, error) { return account, nil }))
	t.Cleanup(srv.Close)
	return mailapi.NewClient(srv.Client(), srv.URL)
}
