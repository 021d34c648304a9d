package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// mailbox returns the mailbox seen over HTTP.
func (w *world) mailbox() mail.Mailbox {
	w.t.Helper()
	box, err := w.session.Mail(w.t.Context())
	must(w.t, err)
	return box
}

func TestMail(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	box := w.mailbox()
	changes := box.Watch(ctx)
	sent, err := box.Send(ctx, mail.Outgoing{To: []string{"ann"}, Wait: time.Millisecond, MIME: strings.NewReader("To: ann@moot.alt\r\nSubject: Lunch\r\n\r\nAt noon?\r\n")})
	must(t, err)
	_, err = box.Folders(ctx) // brings the mailbox up to date
	must(t, err)
	for folders := range changes {
		if slices.Contains(folders, mail.Inbox) {
			break
		}
	}
	items, err := box.List(ctx, mail.Query{Folder: mail.Inbox, Words: "noon", Limit: 5, Unseen: true})
	if err != nil || len(items) != 1 || items[0].ID != sent.ID || items[0].Subject != "Lunch" {
		t.Fatalf("%+v, %v", items, err)
	}
	if byID, err := box.List(ctx, mail.Query{ID: sent.ID, Folder: mail.Inbox}); err != nil || len(byID) != 1 {
		t.Errorf("%+v, %v", byID, err)
	}
	rc, err := box.Open(ctx, sent.ID)
	must(t, err)
	text, err := io.ReadAll(rc)
	rc.Close()
	if err != nil || !strings.HasSuffix(string(text), "At noon?\r\n") {
		t.Errorf("%q, %v", text, err)
	}
	moved, err := box.Change(ctx, mail.Change{Folder: mail.Inbox, UID: items[0].UID, Move: "Work/ä", Set: []mail.Flag{mail.Seen}})
	if err != nil || len(moved) != 1 || moved[0].Folder != "Work/ä" || !slices.Contains(moved[0].Flags, mail.Seen) {
		t.Errorf("%+v, %v", moved, err)
	}
	if _, err := box.Receipts(ctx, sent.ID); err != nil {
		t.Error(err)
	}
	must(t, box.SetFolder(ctx, "Work/ä", "Play"))
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	draft, err := box.Save(ctx, mail.DraftsFolder, []mail.Flag{mail.Draft, mail.Flagged}, at, strings.NewReader("Subject: later\r\n\r\nx\r\n"))
	if err != nil || !draft.Arrived.Equal(at) || len(draft.Flags) != 2 {
		t.Errorf("%+v, %v", draft, err)
	}
	folders, err := box.Folders(ctx)
	if err != nil || !slices.ContainsFunc(folders, func(f mail.Folder) bool { return f.Name == "Play" && f.Messages == 1 }) {
		t.Errorf("%+v, %v", folders, err)
	}
}

func TestMailErrors(t *testing.T) {
	w := newWorld(t)
	ctx, box := t.Context(), w.mailbox()
	_, sendErr := box.Send(ctx, mail.Outgoing{MIME: strings.NewReader("To: nobody@moot.alt\r\n\r\nx")})
	_, openErr := box.Open(ctx, moot.BlobID{1})
	_, listErr := box.List(ctx, mail.Query{Prefix: "zz"})
	wantKind(t, "to nobody", sendErr, moot.NotFound)
	wantKind(t, "no message", openErr, moot.NotFound)
	wantKind(t, "no ID", listErr, moot.Invalid)
	wantKind(t, "the inbox removed", box.SetFolder(ctx, mail.Inbox, ""), moot.Denied)
	if items, err := box.Change(ctx); err != nil || len(items) != 0 {
		t.Errorf("%+v, %v", items, err)
	}
	resp, _ := w.ask(w.local, "", "GET", "/api/mail/messages/"+moot.BlobID{1}.String(), "")
	if resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}
	resp, _ = w.ask(w.local, "", "GET", "/api/mail/messages/nonsense", "")
	if resp.StatusCode != http.StatusBadRequest {
		t.Error(resp.Status)
	}
}

// TestMailForCurl sends and reads a message as a script does.
func TestMailForCurl(t *testing.T) {
	w := newWorld(t)
	token := w.token("t", false)
	long := strings.Repeat("All of it. ", 200)
	resp, text := w.ask(w.web, token, "POST", "/api/mail/messages", `{"to":["ann"],"subject":"Hi ☺","text":"`+long+`"}`, "Content-Type", "application/json")
	var sent mail.Sent
	if err := json.Unmarshal([]byte(text), &sent); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	resp, text = w.ask(w.web, token, "GET", "/api/mail/messages/"+sent.ID.String(), "")
	var item mail.Item
	if err := json.Unmarshal([]byte(text), &item); err != nil || item.Subject != "Hi ☺" || !strings.Contains(item.Text, strings.TrimSpace(long)) || len(item.To) != 1 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	resp, text = w.ask(w.web, token, "GET", "/api/mail/messages/"+sent.ID.String()+"/source", "")
	if resp.Header.Get("Content-Type") != "message/rfc822" || resp.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(text, "Subject: ") {
		t.Errorf("%v %s", resp.Header, text)
	}
	resp, text = w.ask(w.web, token, "POST", "/api/mail/messages?to=ann", "Subject: raw\r\n\r\nx", "Content-Type", "message/rfc822")
	if resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// TestEvents reads server-sent events.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", w.local.URL+"/api/events", nil)
	must(t, err)
	resp, err := w.local.Client().Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Error(resp.Header)
	}
	in := bufio.NewScanner(resp.Body)
	seen := map[string]bool{}
	for in.Scan() && !seen[`data: {"kind":"mail","key":"INBOX"}`] || !seen[": keep-alive"] {
		if !seen[in.Text()] && in.Text() == `data: {"kind":"mail","key":""}` {
			_, err := w.mailbox().Send(ctx, mail.Outgoing{To: []string{"ann"}, MIME: strings.NewReader("Subject: x\r\n\r\nx")})
			must(t, err)
			_, err = w.mailbox().Folders(ctx)
			must(t, err)
		}
		if seen[in.Text()] = true; in.Err() != nil {
			t.Fatal(in.Err())
		}
	}
}
