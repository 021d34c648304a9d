package mailbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2/imapserver"
)

// searchExtension is what SEARCH, SORT or THREAD asks for besides what the library knows.
type searchExtension struct {
	sort   []sortKey
	thread string // algorithm
	modseq bool   // MODSEQ is among the keys (RFC 7162, 3.1.5)

	highest uint64 // modseq of what was found
}

// result returns what becomes of the library's response: it is dropped, or a suffix goes
// before its end.
func (s *searchExtension) result(response string) (drop bool, suffix string) {
	switch {
	case s == nil:
		return false, ""
	case s.sort != nil || s.thread != "":
		return true, ""
	case !s.modseq || s.highest == 0:
		return false, ""
	case response == "SEARCH":
		return false, fmt.Sprintf(" (MODSEQ %d)", s.highest)
	}
	return false, fmt.Sprintf(" MODSEQ %d", s.highest)
}

// Search keys that the library does not know, or whose numbers it loses, are handed through
// it as header fields that no message can have.
const (
	keyOlder   = ":older" // RFC 5032
	keyYounger = ":younger"
	keyModSeq  = ":modseq"
	keyLarger  = ":larger"
	keySmaller = ":smaller"
)

// searchArguments is how many arguments a search key has (RFC 9051, 6.4.4).
var searchArguments = map[string]int{
	"BCC": 1, "BEFORE": 1, "BODY": 1, "CC": 1, "FROM": 1, "HEADER": 2, "KEYWORD": 1, "ON": 1, "SENTBEFORE": 1, "SENTON": 1, "SENTSINCE": 1,
	"SINCE": 1, "SUBJECT": 1, "TEXT": 1, "TO": 1, "UID": 1, "UNKEYWORD": 1, "CHARSET": 1,
}

// search handles SEARCH, and SORT and THREAD (RFC 5256), which are a SEARCH whose result
// is written otherwise.
func (x *extension) search(c *command) error {
	uid, base := "", c.name
	if rest, ok := strings.CutPrefix(c.name, "UID "); ok {
		uid, base = "UID ", rest
	}
	ext := &searchExtension{}
	keys, ok := c.args, true
	var head []token
	switch base {
	case "SEARCH":
		if len(keys) > 1 && keys[0].is("RETURN") && keys[1].kind == opening {
			end := max(group(keys, 1), 1)
			head, keys = keys[:end:end], keys[end:]
		}
	case "SORT":
		ext.sort, head, keys, ok = parseSort(keys)
	case "THREAD":
		if ok = len(keys) > 1 && (keys[0].is("REFERENCES") || keys[0].is("ORDEREDSUBJECT")); ok {
			ext.thread, head, keys = strings.ToUpper(keys[0].text), charsetOf(keys[1]), keys[2:]
		}
	}
	if ok {
		keys, ok = ext.keys(keys)
	}
	if !ok {
		return x.answer(c, "BAD [CLIENTBUG] %s", errSyntax)
	}
	if ext.modseq {
		x.enableCondStore(false)
	}
	c.name, c.args = uid+"SEARCH", append(head, keys...)
	return x.pass(c, running{search: ext})
}

func charsetOf(t token) []token { return []token{{atom, "CHARSET", true}, {t.kind, t.text, true}} }

// keys translates the search keys.
func (s *searchExtension) keys(args []token) (out []token, ok bool) {
	for i := 0; i < len(args); i++ {
		t := args[i]
		name := strings.ToUpper(t.text)
		if t.kind != atom {
			out = append(out, t)
			continue
		}
		key := map[string]string{"OLDER": keyOlder, "YOUNGER": keyYounger, "LARGER": keyLarger, "SMALLER": keySmaller, "MODSEQ": keyModSeq}[name]
		n := searchArguments[name]
		if key == "" {
			if i+n >= len(args) {
				return nil, false
			}
			out = append(out, args[i:i+1+n]...)
			i += n
			continue
		}
		if key == keyModSeq {
			if s.modseq = true; i+1 < len(args) && args[i+1].kind == quoted { // entry name and type
				i += 2
			}
		}
		if i++; i >= len(args) {
			return nil, false
		}
		if _, ok := args[i].number(); !ok {
			return nil, false
		}
		out = append(out, token{atom, "HEADER", t.space}, token{quoted, key, true}, token{quoted, args[i].text, true})
	}
	return out, len(out) > 0
}

// extended evaluates a key of keys; false if it is none.
func (c *candidate) extended(key, value string) (matchResult, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || !strings.HasPrefix(key, ":") {
		return undecided, false
	}
	switch key {
	case keyOlder:
		return matchIf(c.q.now.Sub(c.arrived).Seconds() >= float64(n)), true
	case keyYounger:
		return matchIf(c.q.now.Sub(c.arrived).Seconds() <= float64(n)), true
	case keyModSeq:
		return matchIf(c.modseq >= uint64(n)), true
	case keyLarger:
		return matchIf(c.size > n), true
	case keySmaller:
		return matchIf(c.size < n), true
	}
	return undecided, false
}

// found writes the result of SORT or THREAD, and remembers the highest modseq. The
// selection is locked.
func (x *extension) found(v *selection, kind imapserver.NumKind, r *results) error {
	x.out.Lock()
	ext := x.run.search
	x.out.Unlock()
	if ext == nil {
		return nil
	}
	indexes := make([]int, 0, r.count)
	for i := range v.messages {
		if r.uids.Contains(v.messages[i].uid) {
			indexes = append(indexes, i)
			ext.highest = max(ext.highest, v.messages[i].modseq)
		}
	}
	if ext.sort == nil && ext.thread == "" {
		return nil
	}
	index, err := v.summaries()
	if err != nil {
		return err
	}
	list := make([]sortable, len(indexes))
	for i, at := range indexes {
		list[i] = newSortable(&v.messages[at], uint32(at+1), index[v.messages[at].uid].Summary)
		if slices.ContainsFunc(ext.sort, func(k sortKey) bool { return k.name == "CC" }) { // not indexed apart
			if h, _, err := x.session.open(&v.messages[at], nil).header(); err == nil {
				first, _, _ := strings.Cut(h.Get("Cc"), ",")
				list[i].cc = mailboxOf(first)
			}
		}
		if kind == imapserver.NumKindUID {
			list[i].number = uint32(v.messages[at].uid)
		}
	}
	var text string
	switch ext.thread {
	case "":
		sortMessages(list, ext.sort)
		text = "* SORT" + numbers(list)
	case "REFERENCES":
		text = "* THREAD " + threadByReferences(list)
	default:
		text = "* THREAD " + threadBySubject(list)
	}
	return x.send(strings.TrimRight(text, " ") + "\r\n")
}
