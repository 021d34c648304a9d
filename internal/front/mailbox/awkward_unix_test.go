//go:build unix

package mailbox

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/mootspace/moot/internal/awkward"
	moots "github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/mime"
	"github.com/mootspace/moot/internal/suite"
)

// awkwardItems are what mail programs fetch.
const awkwardItems = "(UID RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (SUBJECT FROM TO)] " +
	"BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2] BODY.PEEK[2.MIME] BODY.PEEK[1.1])"

// TestAwkward appends the corpus to this server and to Dovecot, and compares what both
// say of it. testdata/differences.txt has the reason of each difference. With -v all are
// logged; with MOOT_UPDATE=1 the file is written anew, and those without a reason are open.
func TestAwkward(t *testing.T) {
	corpus := awkward.Messages()
	w := newWorld(t, true)
	ours := appended(t, w.wire(w.imap, false), "x LOGIN ann secret\r\n", corpus, awkwardItems)
	theirs := appended(t, dovecot(t), "", corpus, awkwardItems)
	var found []difference
	for _, m := range corpus {
		if got := text(ours[m.Name]["BODY[]"]); got != strings.ReplaceAll(string(m.Text), "\x00", "\x80") {
			t.Errorf("%s: not the bytes that were appended: %.300q", m.Name, got)
		}
		found = append(found, compared(m, ours[m.Name], theirs[m.Name])...)
	}
	reasons := readReasons(t)
	if os.Getenv("MOOT_UPDATE") != "" {
		update(t, reasons, found)
		return
	}
	for _, d := range found {
		t.Log(d)
		switch was, listed := reasons[d.key()]; {
		case !listed:
			t.Errorf("%s: differs, without a reason", d.key())
		case was.ours != brief(d.ours):
			t.Errorf("%s: differs otherwise: it was %s", d, was.ours)
		}
		delete(reasons, d.key())
	}
	for _, key := range slices.Sorted(maps.Keys(reasons)) {
		t.Errorf("%s: listed, but no longer different", key)
	}
}

// difference is an item of a message that Dovecot gives otherwise.
type difference struct{ message, item, ours, theirs string }

func (d difference) key() string { return d.message + "\t" + d.item }

func (d difference) String() string {
	return fmt.Sprintf("%s\t%s\t%s", d.key(), brief(d.ours), brief(d.theirs))
}

// brief is a value with its beginning and end.
func brief(s string) string {
	if len(s) > 160 {
		return fmt.Sprintf("%q %d %q", s[:80], len(s), s[len(s)-40:])
	}
	return strconv.Quote(s)
}

func compared(m awkward.Message, ours, theirs map[string]any) (list []difference) {
	if refused := text(theirs["APPEND"]) + text(ours["APPEND"]); refused != "" {
		return []difference{{m.Name, "APPEND", text(ours["APPEND"]), text(theirs["APPEND"])}}
	}
	a, b := flat(ours), flat(theirs)
	if a["parts"] != b["parts"] { // so do their fields and contents
		ofPart := func(k, _ string) bool {
			return strings.HasPrefix(k, "part.") || strings.HasPrefix(k, "BODY[1") || strings.HasPrefix(k, "BODY[2")
		}
		maps.DeleteFunc(a, ofPart)
		maps.DeleteFunc(b, ofPart)
	}
	if !nestedFirst(a["parts"]) && !nestedFirst(b["parts"]) { // Dovecot gives BODY[1] then
		delete(a, "BODY[1.1]")
		delete(b, "BODY[1.1]")
	}
	if a["BODY[]"] != b["BODY[]"] { // so do its sections
		section := func(k, _ string) bool { return strings.HasPrefix(k, "BODY[") && k != "BODY[]" }
		maps.DeleteFunc(a, section)
		maps.DeleteFunc(b, section)
	}
	items := maps.Clone(a)
	maps.Copy(items, b)
	for _, item := range slices.Sorted(maps.Keys(items)) {
		if a[item] != b[item] {
			list = append(list, difference{m.Name, item, a[item], b[item]})
		}
	}
	return list
}

// nestedFirst reports whether the first part of a message has parts.
func nestedFirst(parts string) bool {
	parts = strings.TrimPrefix(parts[strings.Index(parts, "(")+1:], "message/rfc822[")
	return strings.HasPrefix(parts, "multipart/")
}

// flat returns the items of a FETCH response in the form in which they are compared.
func flat(response map[string]any) map[string]string {
	out := map[string]string{}
	for item, v := range response {
		switch {
		case item == "ENVELOPE":
			flatEnvelope(v, "envelope.", out)
		case item == "BODYSTRUCTURE":
			out["parts"] = outlineOf(v)
			flatParts(v, "", out)
		default:
			lines := strings.ReplaceAll(text(v), "\r\n", "\n") // Dovecot sends LF as CRLF
			out[strings.ReplaceAll(item, `"`, "")] = strings.ReplaceAll(lines, "\n", "\r\n")
		}
	}
	return out
}

// TestAwkwardStored appends a part of the corpus to a real account, which gives back the
// same bytes, and lists all with what their envelopes have.
func TestAwkwardStored(t *testing.T) {
	const every = 9 // an APPEND is durable, so that all would take long
	var corpus []awkward.Message
	for i, m := range awkward.Messages() {
		if i%every == 0 {
			corpus = append(corpus, m)
		}
	}
	w := suite.NewWorld(t, suite.Topology{Store: "sqlite", Link: "tcp", Architecture: "peer-to-peer", Members: 1})
	box := w.Member(1).Mail()
	stored := appended(t, session(t, w), "x LOGIN ann x\r\n", corpus, "(UID ENVELOPE BODY.PEEK[])")
	for _, m := range corpus {
		if got := text(stored[m.Name]["BODY[]"]); got != strings.ReplaceAll(string(m.Text), "\x00", "\x80") {
			t.Errorf("%s: not the bytes that were appended: %.300q", m.Name, got)
		}
	}
	items, err := box.List(t.Context(), moots.Query{Folder: moots.Inbox})
	if err != nil || len(items) != len(corpus) {
		t.Fatalf("%d items of %d: %v", len(items), len(corpus), err)
	}
	slices.SortFunc(items, func(a, b moots.Item) int { return cmp.Compare(a.UID, b.UID) }) // as appended
	for i, m := range corpus {
		listed(t, m.Name, items[i], stored[m.Name]["ENVELOPE"].([]any))
	}
}

// listed checks that an item shows what a decoded envelope has: its words, in any order.
func listed(t *testing.T, name string, item moots.Item, envelope []any) {
	const bound = 1 << 10 // of what is listed
	shown := map[string]string{"subject": item.Subject, "from": item.From, "to": strings.Join(item.To, " ")}
	want := map[string]string{"subject": text(envelope[1])}
	for i, field := range map[int]string{2: "from", 5: "to", 6: "to"} {
		list, _ := envelope[i].([]any)
		for _, one := range list {
			if a := one.([]any); a[3] != nil { // no group
				want[field] += fmt.Sprintf(" %s %s %s ", text(a[0]), strings.Trim(orAbsent(a[2]), "?"), strings.Trim(orAbsent(a[3]), "?"))
			}
		}
	}
	plain := func(s string) string { return strings.NewReplacer(`\`, "", `"`, "", "\u00ad", "").Replace(s) } // without quotes
	for field, value := range want {
		if len(value) > bound {
			continue
		}
		for _, word := range strings.FieldsFunc(mime.Decode(value), func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }) {
			if !strings.Contains(plain(shown[field]), plain(word)) {
				t.Errorf("%s: %s lacks %q: %q", name, field, word, shown[field])
			}
		}
	}
}

// session is a connection to a server of a world's members.
func session(t *testing.T, w *suite.World) net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	server := New(Config{Accounts: accounts{w}, Plain: true})
	go func() { ended <- server.ServeIMAP(ctx, l, false) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

const differences = "testdata/differences.txt"

// update writes what differs now, with the reasons known.
func update(t *testing.T, reasons map[string]reason, found []difference) {
	file, err := os.ReadFile(differences)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for line := range bytes.Lines(file) {
		if !bytes.HasPrefix(line, []byte("#")) {
			break
		}
		b.Write(line)
	}
	for _, d := range found {
		why := "open"
		if was := reasons[d.key()]; was.ours == brief(d.ours) {
			why = was.why
		}
		fmt.Fprintf(&b, "%s\t%s\n", d, why)
	}
	if err := os.WriteFile(differences, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reason explains a difference from what Dovecot gives.
type reason struct{ ours, why string }

// readReasons reads the explained differences: message, item, what this server gives,
// what Dovecot gives, and the reason, separated by tabs.
func readReasons(t *testing.T) map[string]reason {
	file, err := os.ReadFile(differences)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]reason{}
	for line := range strings.Lines(string(file)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(fields) != 5 || all[fields[0]+"\t"+fields[1]].why != "" {
			t.Errorf("%s: %q is not a new difference", differences, line)
			continue
		}
		all[fields[0]+"\t"+fields[1]] = reason{fields[2], fields[4]}
	}
	return all
}
