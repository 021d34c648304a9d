package mailbox

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mootspace/moot"
)

// libraryCommands are what the library answers, maybe translated.
var libraryCommands = strings.Fields("NOOP CHECK LOGOUT CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LSUB NAMESPACE IDLE CLOSE UNSELECT APPEND EXPUNGE COPY MOVE")

func needsTLS(name string) bool { return name == "LOGIN" || name == "AUTHENTICATE" }

// dispatch answers a command, or hands it to the library.
func (x *extension) dispatch(c *command) error {
	if c.fault != "" {
		return x.refuse(c)
	}
	switch base := strings.TrimPrefix(c.name, "UID "); {
	case needsTLS(c.name) && !x.passwordsAllowed():
		return x.answer(c, "NO [PRIVACYREQUIRED] Passwords need TLS")
	case needsTLS(c.name):
		return x.pass(c, running{})
	case c.name == "STARTTLS":
		return x.startTLS(c)
	case c.name == "CAPABILITY":
		return x.answer(&command{tag: "*"}, "CAPABILITY %s\r\n%s OK CAPABILITY completed", x.capabilities(), c.tag)
	case c.name == "ID": // RFC 2971
		return x.answer(&command{tag: "*"}, "ID (\"name\" \"Moot\")\r\n%s OK ID completed", c.tag)
	case c.name == "GETQUOTA" || c.name == "GETQUOTAROOT" || c.name == "SETQUOTA":
		return x.quota(c)
	case c.name == "ENABLE":
		return x.enable(c)
	case c.name == "SELECT" || c.name == "EXAMINE":
		return x.selectFolder(c)
	case c.name == "STATUS" || c.name == "LIST":
		return x.status(c)
	case base == "FETCH":
		return x.fetch(c)
	case base == "STORE":
		return x.store(c)
	case base == "SEARCH" || base == "SORT" || base == "THREAD":
		return x.search(c)
	case slices.Contains(libraryCommands, c.name), c.name != base && slices.Contains([]string{"COPY", "MOVE", "EXPUNGE"}, base):
		x.names(c)
		return x.pass(c, running{})
	}
	c.fault = "there is no such command"
	return x.refuse(c)
}

// names writes the names of folders as the library reads them: in modified UTF-7, in which
// a client that is free to use UTF-8 does not write them (RFC 9051, 5.1).
func (x *extension) names(c *command) {
	from, to := 0, 1
	switch strings.TrimPrefix(c.name, "UID ") {
	case "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "SELECT", "EXAMINE", "STATUS", "APPEND":
	case "RENAME", "LSUB":
		to = 2
	case "COPY", "MOVE":
		from, to = 1, 2
	case "LIST":
		if len(c.args) > 0 && c.args[0].kind == opening {
			from = group(c.args, 0)
		}
		if to = from + 2; from >= 0 && len(c.args) > from+1 && c.args[from+1].kind == opening {
			to = group(c.args, from+1)
		}
	default:
		return
	}
	for i := max(0, from); i < min(to, len(c.args)); i++ {
		t := &c.args[i]
		if t.value() && strings.Contains(t.text, "&") && (x.state.utf8 || !isUTF7(t.text)) {
			t.text = strings.ReplaceAll(t.text, "&", "&-")
		}
	}
}

// isUTF7 reports whether each & begins a shift sequence of modified UTF-7 (RFC 9051,
// A.1). What does not is a name that is meant as it is.
func isUTF7(name string) bool {
	for {
		_, rest, found := strings.Cut(name, "&")
		if !found {
			return true
		}
		shifted, after, closed := strings.Cut(rest, "-")
		odd := func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == ',')
		}
		if !closed || strings.ContainsFunc(shifted, odd) {
			return false
		}
		name = after
	}
}

// enable handles ENABLE (RFC 5161).
func (x *extension) enable(c *command) error {
	if x.session.mb == nil {
		return x.pass(c, running{})
	}
	var run running
	args := c.args
	c.args = nil
	for _, t := range args {
		switch name := strings.ToUpper(t.text); name {
		case "CONDSTORE", "QRESYNC":
			x.enableCondStore(name == "QRESYNC")
			run.enabled = append(run.enabled, name)
		case "IMAP4REV2", "UTF8=ACCEPT":
			c.args = append(c.args, token{atom, name, true})
		}
	}
	return x.pass(c, run)
}

// quota handles the commands of RFC 9208: there is one quota, of storage, for all folders.
func (x *extension) quota(c *command) error {
	s := x.session
	switch {
	case s.mb == nil:
		return x.answer(c, "BAD [CLIENTBUG] Log in first")
	case len(c.args) == 0 || !c.args[0].value():
		return x.answer(c, "BAD [CLIENTBUG] Name a folder, or a quota root")
	case c.name == "SETQUOTA":
		return x.answer(c, "NO [NOPERM] The server's policy sets quotas")
	case c.name == "GETQUOTA" && c.args[0].text != "":
		return x.answer(c, "NO [NONEXISTENT] There is no such quota root")
	}
	used, limit, err := s.mb.Quota(s.ctx)
	if err != nil {
		s.server.cfg.Log.Error("mail", "protocol", "imap", "err", err)
		return x.answer(c, "NO [SERVERBUG] The quota is unknown: %s", reply(moot.Wrap("quota", err)))
	}
	var text string
	if c.name == "GETQUOTAROOT" {
		text = "* QUOTAROOT " + quote(c.args[0].text) + " \"\"\r\n"
	}
	resources := ""
	if limit > 0 {
		resources = "STORAGE " + strconv.FormatInt((used+1023)/1024, 10) + " " + strconv.FormatInt(limit/1024, 10)
	}
	return x.send(text + "* QUOTA \"\" (" + resources + ")\r\n" + c.tag + " OK " + c.name + " completed\r\n")
}

// status handles HIGHESTMODSEQ in STATUS and LIST (RFC 7162, 3.1.7).
func (x *extension) status(c *command) error {
	x.names(c)
	n := len(c.args)
	c.args = slices.DeleteFunc(c.args, func(t token) bool { return t.is("HIGHESTMODSEQ") })
	wanted := len(c.args) < n
	if wanted {
		x.enableCondStore(false)
		for i := 1; i < len(c.args); i++ { // no space after a parenthesis
			c.args[i].space = c.args[i].space && c.args[i-1].kind != opening
		}
	}
	x.out.Lock()
	x.state.wantsModSeq = wanted
	x.out.Unlock()
	return x.pass(c, running{})
}

// setStatus is told the folder whose STATUS the library writes next.
func (x *extension) setStatus(modseq uint64) {
	x.out.Lock()
	defer x.out.Unlock()
	x.state.statusModSeq = modseq
}
