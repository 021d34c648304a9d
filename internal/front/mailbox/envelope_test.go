package mailbox

import (
	"fmt"
	"mime"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-message/charset"
)

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
