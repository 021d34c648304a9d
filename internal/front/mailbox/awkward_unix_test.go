//go:build unix

package mailbox

import (
	"bytes"
	"fmt"
	"maps"
	"mime"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/charset"

	"github.com/mootspace/moot/internal/awkward"
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
	if a["parts"] != b["parts"] { // then their fields differ anyway
		maps.DeleteFunc(a, func(k, _ string) bool { return strings.HasPrefix(k, "part.") })
		maps.DeleteFunc(b, func(k, _ string) bool { return strings.HasPrefix(k, "part.") })
	}
	if !nestedFirst(a["parts"]) && !nestedFirst(b["parts"]) { // Dovecot gives BODY[1] then
		delete(a, "BODY[1.1]")
		delete(b, "BODY[1.1]")
	}
	if a["BODY[]"] != b["BODY[]"] { // so do its sections
		maps.DeleteFunc(a, func(k, _ string) bool { return strings.HasPrefix(k, "BODY[") && k != "BODY[]" })
		maps.DeleteFunc(b, func(k, _ string) bool { return strings.HasPrefix(k, "BODY[") && k != "BODY[]" })
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
			out[strings.ReplaceAll(item, `"`, "")] = bareLF.ReplaceAllString(text(v), "$1\r\n")
		}
	}
	return out
}

// bareLF is sent by Dovecot as CRLF; this server sends what it got.
var bareLF = regexp.MustCompile(`(^|[^\r])\n`)

// text is a value that is not a list.
func text(v any) string {
	if v == nil {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		return fmt.Sprint(v)
	}
	return s
}

func flatEnvelope(v any, prefix string, out map[string]string) {
	e, _ := v.([]any)
	for i, name := range []string{"date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc", "in-reply-to", "message-id"} {
		var s string
		switch {
		case i >= len(e):
			s = "missing"
		case name == "date":
			s = instant(text(e[i]))
		case 2 <= i && i < 8:
			s = people(e[i])
		case i >= 8:
			s = strings.Join(strings.Fields(text(e[i])), " ")
		default:
			s = decodedWords(text(e[i]))
		}
		out[prefix+name] = s
	}
	for _, name := range []string{"sender", "reply-to"} {
		if out[prefix+name] == out[prefix+"from"] {
			out[prefix+name] = "as from"
		}
	}
}

// instant is a date in one form. Dovecot repeats what the field has.
func instant(s string) string {
	clean := strings.Join(strings.Fields(comment.ReplaceAllString(strings.Trim(s, `"`), " ")), " ")
	for _, layout := range []string{
		"Mon, 2 Jan 2006 15:04:05 Z07:00", "Mon, 2 Jan 2006 15:04:05 GMT-0700", "Mon, 2 Jan 2006 15:04:05-0700", "Mon, 2 Jan 2006 15:04:05", "Mon, 2 Jan 2006 15.04.05 -0700",
		"Mon, 2 January 2006 15:04:05 -0700", "Mon, Jan 2 2006 15:04:05 -0700", "Monday, 2 Jan 2006 15:04:05 -0700", "Mon 2 Jan 2006 15:04:05 -0700", "Monday, 02-Jan-06 15:04:05 MST",
		"Mon, 2-Jan-2006 15:04:05 -0700", "Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006", time.RFC3339, time.DateTime, "Mon, 2 Jan 2006 15 : 04 : 05 -0700",
	} {
		if d, err := time.Parse(layout, clean); err == nil {
			return d.Format(instantLayout)
		}
	}
	if d, err := mail.ParseDate(s); err == nil {
		return d.Format(instantLayout)
	}
	return s
}

const instantLayout = "2006-01-02 15:04:05 -0700"

var comment = regexp.MustCompile(`\([^()]*\)`)

// people are the addresses of an envelope's field. What Dovecot puts in the place of an
// absent mailbox or domain is a question mark.
func people(v any) string {
	list, _ := v.([]any)
	var all []string
	for _, one := range list {
		a, _ := one.([]any)
		if len(a) != 4 {
			return fmt.Sprint("malformed: ", v)
		}
		var route string
		if a[1] != nil {
			route = text(a[1]) + ":"
		}
		all = append(all, fmt.Sprintf("%s <%s%s|%s>", decodedWords(text(a[0])), route, orAbsent(a[2]), orAbsent(a[3])))
	}
	return strings.Join(all, ", ")
}

func orAbsent(v any) string {
	switch v {
	case nil:
		return "NIL"
	case "", "MISSING_MAILBOX", "MISSING_DOMAIN", "SYNTAX_ERROR":
		return "?"
	}
	return text(v)
}

// decodedWords decodes encoded words (RFC 2047): what people see is compared.
func decodedWords(s string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if out, err := d.DecodeHeader(s); err == nil {
		return out
	}
	return s
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
