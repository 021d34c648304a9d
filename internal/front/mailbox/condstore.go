package mailbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot/internal/mail"
)

// CONDSTORE and QRESYNC (RFC 7162). Which messages were expunged is not stored: a client
// that asks gets all UIDs that are not in use (RFC 7162, 3.2.6).

func (x *extension) enableCondStore(resync bool) {
	x.out.Lock()
	defer x.out.Unlock()
	x.state.condstore = true
	x.state.qresync = x.state.qresync || resync
}

// resync is the state in which a client left a folder.
type resync struct {
	validity uint32
	modseq   uint64
	known    string // UIDs that it has; "": all
}

var errSyntax = errors.New("an argument is malformed")

// selectFolder handles the parameters of SELECT.
func (x *extension) selectFolder(c *command) error {
	x.names(c)
	var run running
	if len(c.args) > 1 && c.args[1].kind == opening {
		args := c.args[2:]
		c.args = c.args[:1]
		for len(args) > 0 && args[0].kind == atom {
			var err error
			switch {
			case args[0].is("CONDSTORE"):
				args = args[1:]
			case args[0].is("QRESYNC") && x.state.qresync:
				run.resync, args, err = parseResync(args[1:])
			default:
				err = errSyntax
			}
			if err != nil {
				return x.answer(c, "BAD [CLIENTBUG] %s", err)
			}
		}
		x.enableCondStore(false)
	}
	return x.pass(c, run)
}

func parseResync(args []token) (r *resync, rest []token, err error) {
	end := -1
	if len(args) > 0 && args[0].kind == opening {
		end = group(args, 0)
	}
	if end < 4 {
		return nil, nil, errSyntax
	}
	validity, ok := args[1].number()
	modseq, too := args[2].number()
	r = &resync{validity: uint32(validity), modseq: modseq}
	if args[3].kind == atom {
		r.known = args[3].text
	}
	if _, known := parseSet(r.known, true); !ok || !too || r.known != "" && !known {
		err = errSyntax
	}
	return r, args[end:], err
}

// selected is told the folder that SELECT opened.
func (x *extension) selected(v *selection) {
	x.out.Lock()
	r := x.run.resync
	x.out.Unlock()
	var changes string
	if r != nil && r.validity == v.validity && r.modseq < v.modseq {
		known, _ := parseSet(r.known, true)
		uids, _ := known.(imap.UIDSet)
		changes = v.vanished(uids) + v.changedSince(r.modseq)
	}
	x.out.Lock()
	x.run.changes = changes
	x.out.Unlock()
}

// vanished returns the response for all UIDs of a set that are not in use, nil for all.
func (v *selection) vanished(known imap.UIDSet) string {
	if known == nil {
		known = imap.UIDSet{{Start: 1, Stop: v.next - 1}}
	}
	var gone imap.UIDSet
	for _, r := range known {
		last := min(r.Stop, v.next-1)
		for i, _ := v.index(r.Start); r.Start <= last; i++ {
			stop := last
			if i < len(v.messages) {
				stop = min(last, v.messages[i].uid-1)
			}
			if r.Start <= stop && r.Start > 0 {
				gone.AddRange(r.Start, stop)
			}
			r.Start = stop + 2
		}
	}
	if len(gone) == 0 {
		return ""
	}
	return "* VANISHED (EARLIER) " + gone.String() + "\r\n"
}

// changedSince returns the flags of messages that changed after a modseq.
func (v *selection) changedSince(modseq uint64) string {
	var b strings.Builder
	for i, m := range v.messages {
		if m.modseq > modseq {
			var flags []string
			for _, f := range protocolFlags(m.flags) {
				flags = append(flags, string(f))
			}
			fmt.Fprintf(&b, "* %d FETCH (UID %d FLAGS (%s) MODSEQ (%d))\r\n", i+1, m.uid, strings.Join(flags, " "), m.modseq)
		}
	}
	return b.String()
}

// fetch handles MODSEQ, CHANGEDSINCE and VANISHED of FETCH.
func (x *extension) fetch(c *command) error {
	v := x.session.selected.Load()
	if len(c.args) < 2 || v == nil {
		return x.pass(c, running{})
	}
	x.fetchModSeq(c)
	run := running{body: slices.ContainsFunc(c.args, func(t token) bool { return t.is("BODY") })}
	at := slices.IndexFunc(c.args, func(t token) bool { return t.is("CHANGEDSINCE") })
	if at < 3 || c.args[at-1].kind != opening {
		return x.pass(c, run)
	}
	words := c.args[at+1:]
	var since uint64
	var ok bool
	if len(words) > 1 {
		since, ok = words[0].number()
	}
	vanished := ok && words[1].is("VANISHED")
	if vanished {
		words = words[1:]
	}
	if !ok || len(words) != 2 || words[1].kind != closing || vanished && (c.name != "UID FETCH" || !x.state.qresync) {
		return x.answer(c, "BAD [CLIENTBUG] %s", errSyntax)
	}
	c.args = c.args[:at-1]
	x.enableCondStore(false)
	v.mu.Lock()
	defer v.mu.Unlock()
	picked, all, err := v.pickText(c.args[0].text, c.name == "UID FETCH")
	if err != nil {
		return x.answer(c, "BAD [CLIENTBUG] %s", errSyntax)
	}
	if vanished {
		uids, _ := all.(imap.UIDSet)
		if err := x.send(v.vanished(uids)); err != nil {
			return err
		}
	}
	picked = slices.DeleteFunc(picked, func(i int) bool { return v.messages[i].modseq <= since })
	return x.restrict(c, picked, run)
}

// fetchModSeq removes MODSEQ from the items of FETCH: all responses have it then.
func (x *extension) fetchModSeq(c *command) {
	within, found := false, false
	for i, t := range c.args[1:] {
		if t.kind == atom {
			within = strings.Contains(t.text, "[") && !strings.Contains(t.text, "]") || within && !strings.Contains(t.text, "]")
			if !within && t.is("MODSEQ") {
				c.args[i+1].text, found = "UID", true
			}
		}
	}
	if found {
		x.enableCondStore(false)
	}
}

// restrict hands a command to the library for some messages only, as NOOP for none.
func (x *extension) restrict(c *command, picked []int, run running) error {
	if len(picked) == 0 {
		return x.pass(&command{tag: c.tag, name: "NOOP"}, run)
	}
	c.args[0] = token{atom, x.session.selected.Load().text(picked, strings.HasPrefix(c.name, "UID")), true}
	return x.pass(c, run)
}

// store handles UNCHANGEDSINCE of STORE. With CONDSTORE no STORE is silent, since the
// client needs the modseq.
func (x *extension) store(c *command) error {
	v := x.session.selected.Load()
	if len(c.args) < 3 || v == nil {
		return x.pass(c, running{})
	}
	var run running
	picked := []int{}
	conditional := c.args[1].kind == opening
	if conditional {
		end := group(c.args, 1)
		if end != 5 || !c.args[2].is("UNCHANGEDSINCE") || len(c.args) < 6 {
			return x.answer(c, "BAD [CLIENTBUG] %s", errSyntax)
		}
		since, ok := c.args[3].number()
		x.enableCondStore(false)
		var modified []int
		var err error
		if picked, modified, err = v.unchanged(c.args[0].text, c.name == "UID STORE", since); err != nil || !ok {
			return x.answer(c, "BAD [CLIENTBUG] %s", errSyntax)
		}
		if len(modified) > 0 {
			run.code = "MODIFIED " + v.text(modified, c.name == "UID STORE")
		}
		c.args = slices.Delete(c.args, 1, end)
	}
	if item := &c.args[1]; x.state.condstore && item.kind == atom {
		item.text = strings.TrimSuffix(strings.ToUpper(item.text), ".SILENT")
	}
	if conditional {
		return x.restrict(c, picked, run)
	}
	return x.pass(c, run)
}

// unchanged divides messages into those that did not change after a modseq, and others.
func (v *selection) unchanged(set string, uid bool, since uint64) (same, modified []int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	picked, _, err := v.pickText(set, uid)
	if err != nil {
		return nil, nil, err
	}
	items, err := v.mb.List(v.ctx, mail.Query{Folder: v.folder, Since: max(1, since), Brief: true})
	if err != nil {
		return nil, nil, err
	}
	changed := make(map[imap.UID]bool, len(items))
	for _, it := range items {
		changed[imap.UID(it.UID)] = true
	}
	for _, i := range picked {
		if changed[v.messages[i].uid] || v.messages[i].modseq > since {
			modified = append(modified, i)
		} else {
			same = append(same, i)
		}
	}
	return same, modified, nil
}

// pickText is pick for a set as the client wrote it, which it returns, too.
func (v *selection) pickText(text string, uid bool) ([]int, imap.NumSet, error) {
	set, ok := parseSet(text, uid)
	if !ok {
		return nil, nil, errSyntax
	}
	set = v.static(set)
	picked, err := v.pick(set)
	return picked, set, err
}

// text returns messages as a set of UIDs or numbers.
func (v *selection) text(indexes []int, uid bool) string {
	var uids imap.UIDSet
	var numbers imap.SeqSet
	for _, i := range indexes {
		uids.AddNum(v.messages[i].uid)
		numbers.AddNum(uint32(i + 1))
	}
	if uid {
		return uids.String()
	}
	return numbers.String()
}

// parseSet parses a set of numbers (RFC 9051, 9: sequence-set).
func parseSet(text string, uid bool) (imap.NumSet, bool) {
	if text == "$" {
		return imap.SearchRes(), true
	}
	var uids imap.UIDSet
	var numbers imap.SeqSet
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, ":")
		if !isRange {
			to = from
		}
		a, ok := parseNumber(from)
		b, too := parseNumber(to)
		if !ok || !too {
			return nil, false
		}
		uids.AddRange(imap.UID(a), imap.UID(b))
		numbers.AddRange(a, b)
	}
	if uid {
		return uids, true
	}
	return numbers, true
}

// parseNumber parses a number; * is 0.
func parseNumber(s string) (uint32, bool) {
	if s == "*" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n > 0 && s[0] != '+'
}
