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
	for _, n := range tree(all) {
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

// node is a name in the tree of folders; folder is nil if only child folders exist.
type node struct {
	name   string
	folder *mail.Folder
	below  bool
}

// tree returns all folders and their missing parents, by name, INBOX first.
func tree(all []mail.Folder) []node {
	nodes := map[string]*node{}
	at := func(name string) *node {
		if nodes[name] == nil {
			nodes[name] = &node{name: name}
		}
		return nodes[name]
	}
	for _, f := range all {
		at(f.Name).folder = &f
		for i, r := range f.Name {
			if r == separator && i > 0 {
				at(f.Name[:i]).below = true
			}
		}
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
// stands only for its children.
func (n node) chosen(o *imap.ListOptions) bool {
	if n.folder == nil {
		return !o.SelectSpecialUse && (!o.SelectSubscribed || o.SelectRecursiveMatch)
	}
	return !o.SelectSpecialUse || n.folder.Use != ""
}

func (n node) data(o *imap.ListOptions) *imap.ListData {
	d := &imap.ListData{Mailbox: n.name, Delim: separator}
	switch {
	case n.folder == nil:
		d.Attrs = append(d.Attrs, imap.MailboxAttrNonExistent, imap.MailboxAttrNoSelect)
	default:
		d.Attrs = append(d.Attrs, imap.MailboxAttrSubscribed)
		if n.folder.Use != "" {
			d.Attrs = append(d.Attrs, imap.MailboxAttr(n.folder.Use))
		}
	}
	child := imap.MailboxAttrHasNoChildren
	if n.below {
		child = imap.MailboxAttrHasChildren
	}
	d.Attrs = append(d.Attrs, child)
	if o.SelectRecursiveMatch && n.below {
		d.ChildInfo = &imap.ListDataChildInfo{Subscribed: true}
	}
	return d
}
