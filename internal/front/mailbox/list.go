package mailbox

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"github.com/mootspace/moot/internal/mail"
)

// maxPattern bounds all patterns of one LIST, in bytes.
const maxPattern = 4 << 10

// List implements imapserver.Session.
func (s *imapSession) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if len(patterns) == 0 { // query for the separator
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: separator})
	}
	if options.ReturnStatus != nil {
		if err := checkStatus(options.ReturnStatus); err != nil {
			return err
		}
	}
	match, err := matcher(ref, patterns)
	if err != nil {
		return err
	}
	all, err := s.mb.Folders(s.ctx)
	if err != nil {
		return s.failure(err)
	}
	chosen, err := s.mb.Subscriptions(s.ctx)
	if err != nil {
		return s.failure(err)
	}
	for _, n := range tree(all, chosen) {
		if !match(n.name) || !n.chosen(options) {
			continue
		}
		data := n.data(options)
		if options.ReturnStatus != nil && n.folder != nil {
			data.Status = s.status(*n.folder)
		}
		if err := w.WriteList(data); err != nil {
			return err
		}
	}
	return nil
}

// matcher compiles all patterns to one regular expression, which matches in linear time.
func matcher(ref string, patterns []string) (func(string) bool, error) {
	var b strings.Builder
	for i, p := range patterns {
		if b.Len() > maxPattern {
			return nil, no(imap.ResponseCodeLimit, "Too many or too long patterns: ask for less at a time")
		}
		if i > 0 {
			b.WriteByte('|')
		}
		for _, r := range ref + p {
			switch r {
			case '*':
				b.WriteString(`.*`)
			case '%':
				b.WriteString(`[^/]*`)
			default:
				b.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
	}
	expr := `^(?:` + b.String() + `)$`
	if b.Len() > 2*maxPattern {
		return nil, no(imap.ResponseCodeLimit, "Too many or too long patterns: ask for less at a time")
	}
	exact, err := regexp.Compile(`(?s)` + expr)
	if err != nil {
		return nil, bad("A pattern is not UTF-8")
	}
	anyCase := regexp.MustCompile(`(?si)` + expr)
	return func(name string) bool {
		return exact.MatchString(name) || name == mail.Inbox && anyCase.MatchString(name)
	}, nil
}

// node is a name in the tree of folders; folder is nil if only child folders or a
// subscription exist.
type node struct {
	name            string
	folder          *mail.Folder
	below           bool // there are child folders
	subscribed      bool
	subscribedBelow bool // a child folder is
}

// tree returns all folders, their missing parents and other subscribed names, by name,
// INBOX first.
func tree(all []mail.Folder, chosen map[string]bool) []node {
	nodes := map[string]*node{}
	at := func(name string) *node {
		if nodes[name] == nil {
			nodes[name] = &node{name: name}
		}
		return nodes[name]
	}
	add := func(name string, f *mail.Folder, subscribed bool) {
		n := at(name)
		n.folder, n.subscribed = f, subscribed
		for i, r := range name {
			if r == separator && i > 0 {
				parent := at(name[:i])
				parent.below = parent.below || f != nil
				parent.subscribedBelow = parent.subscribedBelow || subscribed
			}
		}
	}
	for name, yes := range chosen {
		if yes {
			add(name, nil, true)
		}
	}
	for _, f := range all {
		name := canonicalName(f.Name)
		yes, decided := chosen[name]
		add(name, &f, yes || !decided)
	}
	list := make([]node, 0, len(nodes))
	for _, n := range nodes {
		list = append(list, *n)
	}
	slices.SortFunc(list, func(a, b node) int {
		if a.name == mail.Inbox || b.name == mail.Inbox {
			return cmp.Compare(b2i(b.name == mail.Inbox), b2i(a.name == mail.Inbox))
		}
		return strings.Compare(a.name, b.name)
	})
	return list
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// chosen applies the selection options (RFC 9051, 6.3.9.1). A name that is not a folder
// stands for its children, or for a subscription.
func (n node) chosen(o *imap.ListOptions) bool {
	switch {
	case o.SelectSpecialUse && (n.folder == nil || n.folder.Use == ""):
		return false
	case o.SelectSubscribed:
		return n.subscribed || o.SelectRecursiveMatch && n.subscribedBelow
	}
	return n.folder != nil || n.below
}

func (n node) data(o *imap.ListOptions) *imap.ListData {
	d := &imap.ListData{Mailbox: n.name, Delim: separator}
	if n.subscribed {
		d.Attrs = append(d.Attrs, imap.MailboxAttrSubscribed)
	}
	if n.folder == nil {
		d.Attrs = append(d.Attrs, imap.MailboxAttrNonExistent, imap.MailboxAttrNoSelect)
	} else if n.folder.Use != "" {
		d.Attrs = append(d.Attrs, imap.MailboxAttr(n.folder.Use))
	}
	child := imap.MailboxAttrHasNoChildren
	if n.below {
		child = imap.MailboxAttrHasChildren
	}
	d.Attrs = append(d.Attrs, child)
	if o.SelectRecursiveMatch && n.subscribedBelow {
		d.ChildInfo = &imap.ListDataChildInfo{Subscribed: true}
	}
	return d
}
