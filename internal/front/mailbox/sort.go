package mailbox

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mootspace/moot/internal/mail"
)

// sortKey is a criterion of SORT (RFC 5256, 3).
type sortKey struct {
	name    string
	reverse bool
}

const maxSortKeys = 20

// parseSort parses the arguments of SORT: criteria, a charset, search keys.
func parseSort(args []token) (keys []sortKey, head, rest []token, ok bool) {
	if len(args) == 0 || args[0].kind != opening {
		return nil, nil, nil, false
	}
	end := group(args, 0)
	if end < 3 || end >= len(args) || end > 2*maxSortKeys {
		return nil, nil, nil, false
	}
	reverse := false
	for _, t := range args[1 : end-1] {
		name := strings.ToUpper(t.text)
		switch {
		case t.kind != atom:
			return nil, nil, nil, false
		case name == "REVERSE" && !reverse:
			reverse = true
			continue
		case !slices.Contains([]string{"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO"}, name):
			return nil, nil, nil, false
		}
		keys = append(keys, sortKey{name, reverse})
		reverse = false
	}
	return keys, charsetOf(args[end]), args[end+1:], len(keys) > 0 && !reverse
}

// sortable is a message with what SORT and THREAD compare.
type sortable struct {
	number     uint32 // or UID
	size       int64
	arrived    time.Time
	sent       time.Time
	from, to   string
	cc         string
	subject    string // base subject
	reply      bool   // the subject says that it is a reply or was forwarded
	id         string
	references []string
}

func newSortable(m *message, number uint32, s mail.Summary) sortable {
	out := sortable{number: number, size: m.size, arrived: m.arrived, sent: s.Date, from: mailboxOf(s.From), id: s.MessageID, references: s.References}
	if out.sent.IsZero() {
		out.sent = m.arrived
	}
	if len(s.To) > 0 {
		out.to = mailboxOf(s.To[0])
	}
	out.subject, out.reply = baseSubject(s.Subject)
	return out
}

// mailboxOf returns the local part of an address, folded.
func mailboxOf(address string) string {
	if i := strings.LastIndexByte(address, '<'); i >= 0 {
		address = address[i+1:]
	}
	local, _, _ := strings.Cut(address, "@")
	return fold(local)
}

func sortMessages(list []sortable, keys []sortKey) {
	slices.SortStableFunc(list, func(a, b sortable) int {
		for _, k := range keys {
			n := a.compare(b, k.name)
			if k.reverse {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return cmp.Compare(a.number, b.number)
	})
}

func numbers(list []sortable) string {
	var b strings.Builder
	for _, m := range list {
		b.WriteString(" " + strconv.FormatUint(uint64(m.number), 10))
	}
	return b.String()
}

func (m sortable) compare(o sortable, key string) int {
	switch key {
	case "ARRIVAL":
		return m.arrived.Compare(o.arrived)
	case "DATE":
		return m.sent.Compare(o.sent)
	case "SIZE":
		return cmp.Compare(m.size, o.size)
	case "SUBJECT":
		return cmp.Compare(m.subject, o.subject)
	case "FROM":
		return cmp.Compare(m.from, o.from)
	case "TO":
		return cmp.Compare(m.to, o.to)
	}
	return cmp.Compare(m.cc, o.cc)
}

// Parts of subjects that replying and forwarding add (RFC 5256, 2.1).
var (
	subjectTrailer = regexp.MustCompile(`(?i)\s*\(fwd\)\s*$`)
	subjectLeader  = regexp.MustCompile(`(?i)^\s*(?:\[[^\[\]]*\]\s*)*(?:re|fwd?)\s*(?:\[[^\[\]]*\]\s*)?:\s*`)
	subjectBlob    = regexp.MustCompile(`^\s*\[[^\[\]]*\]\s*`)
	subjectForward = regexp.MustCompile(`(?i)^\[fwd:(.*)\]$`)
)

// baseSubject returns a subject without what replying and forwarding add, folded, and
// whether there was any of it.
func baseSubject(s string) (base string, reply bool) {
	s = strings.Join(strings.Fields(s), " ")
	for range 64 { // hostile subjects have more
		before := s
		if t := subjectTrailer.ReplaceAllString(s, ""); t != s {
			s, reply = t, true
		}
		if t := subjectLeader.ReplaceAllString(s, ""); t != s {
			s, reply = t, true
		}
		if t := subjectBlob.ReplaceAllString(s, ""); t != "" {
			s = t
		}
		if m := subjectForward.FindStringSubmatch(s); m != nil {
			s, reply = strings.TrimSpace(m[1]), true
		}
		if s == before {
			break
		}
	}
	return fold(s), reply
}
