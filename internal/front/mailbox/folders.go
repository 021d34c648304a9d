package mailbox

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

const (
	separator     = '/'
	maxFolderName = 500 // bytes
)

var errNoFolder = no(imap.ResponseCodeNonExistent, "There is no such folder")

// folder returns a folder by name, or errNoFolder.
func (s *imapSession) folder(name string) (mail.Folder, error) {
	all, err := s.mb.Folders(s.ctx)
	if err != nil {
		return mail.Folder{}, s.failure(err)
	}
	if i := slices.IndexFunc(all, named(name)); i >= 0 {
		return all[i], nil
	}
	return mail.Folder{}, errNoFolder
}

func named(name string) func(mail.Folder) bool {
	name = canonicalName(name)
	return func(f mail.Folder) bool { return canonicalName(f.Name) == name }
}

// canonicalName writes INBOX, which may be in any case, also as a parent, in capitals
// (RFC 9051, 5.1).
func canonicalName(name string) string {
	first, rest, _ := strings.Cut(name, string(separator))
	if strings.EqualFold(first, mail.Inbox) {
		return mail.Inbox + name[len(name)-len(rest)-min(1, len(name)-len(first)):]
	}
	return name
}

// target returns the destination folder of a command.
func (s *imapSession) target(name string) (mail.Folder, error) {
	f, err := s.folder(name)
	if err == errNoFolder {
		return f, no("TRYCREATE", "There is no such folder: create it first")
	}
	return f, err
}

// Create implements imapserver.Session.
func (s *imapSession) Create(name string, options *imap.CreateOptions) error {
	if len(options.SpecialUse) > 0 {
		return no("USEATTR", "Folders with a special use are there from the start")
	}
	name = canonicalName(strings.TrimSuffix(name, string(separator))) // RFC 9051, 6.3.4: announces child folders
	if err := checkName(name); err != nil {
		return err
	}
	if err := s.checkVacant(name); err != nil {
		return err
	}
	return s.failure(s.mb.SetFolder(s.ctx, "", name))
}

func (s *imapSession) checkVacant(name string) error {
	switch _, err := s.folder(name); err {
	case errNoFolder:
		return nil
	case nil:
		return no(imap.ResponseCodeAlreadyExists, "There is such a folder already")
	default:
		return err
	}
}

func checkName(name string) error {
	if len(name) > maxFolderName {
		return no(imap.ResponseCodeLimit, "A folder's name is too long: shorten it")
	}
	odd := func(r rune) bool { return unicode.IsControl(r) || r == '*' || r == '%' }
	if !utf8.ValidString(name) || strings.ContainsFunc(name, odd) {
		return no(imap.ResponseCodeCannot, "A folder's name holds no control characters, * or %: choose another")
	}
	if slices.Contains(strings.Split(name, string(separator)), "") {
		return no(imap.ResponseCodeCannot, "A folder's name has no empty parts: choose another")
	}
	return nil
}

// Delete implements imapserver.Session.
func (s *imapSession) Delete(name string) error {
	f, err := s.folder(name)
	if err != nil {
		return err
	}
	return s.failure(s.mb.SetFolder(s.ctx, f.Name, ""))
}

// Rename implements imapserver.Session: child folders included; of INBOX only its
// messages (RFC 9051, 6.3.6).
func (s *imapSession) Rename(from, to string, _ *imap.RenameOptions) error {
	from, to = canonicalName(from), canonicalName(strings.TrimSuffix(to, string(separator)))
	if err := checkName(to); err != nil {
		return err
	}
	if err := s.checkVacant(to); err != nil {
		return err
	}
	if from == mail.Inbox {
		return s.failure(s.moveAll(from, to))
	}
	all, err := s.mb.Folders(s.ctx)
	if err != nil {
		return s.failure(err)
	}
	found := false
	for _, f := range all {
		below, inside := strings.CutPrefix(canonicalName(f.Name), from+string(separator))
		switch {
		case canonicalName(f.Name) == from:
			err = s.mb.SetFolder(s.ctx, f.Name, to)
		case inside:
			err = s.mb.SetFolder(s.ctx, f.Name, to+string(separator)+below)
		default:
			continue
		}
		found = true
		if err != nil {
			return s.failure(err)
		}
	}
	if !found {
		return errNoFolder
	}
	return nil
}

// moveAll creates the folder to and moves all messages of from into it.
func (s *imapSession) moveAll(from, to string) error {
	if err := s.mb.SetFolder(s.ctx, "", to); err != nil {
		return err
	}
	items, err := s.mb.List(s.ctx, mail.Query{Folder: from, Brief: true})
	if err != nil {
		return err
	}
	changes := make([]mail.Change, len(items))
	for i, it := range items {
		changes[i] = mail.Change{Folder: from, UID: it.UID, Move: to}
	}
	_, err = s.mb.Change(s.ctx, changes...)
	return err
}

// Subscribe implements imapserver.Session.
func (s *imapSession) Subscribe(name string) error {
	f, err := s.folder(name)
	if err != nil {
		return err
	}
	return s.failure(s.mb.Subscribe(s.ctx, canonicalName(f.Name), true))
}

// Unsubscribe implements imapserver.Session: of any name (RFC 9051, 6.3.8).
func (s *imapSession) Unsubscribe(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.failure(s.mb.Subscribe(s.ctx, canonicalName(name), false))
}

// Status implements imapserver.Session.
func (s *imapSession) Status(name string, options *imap.StatusOptions) (*imap.StatusData, error) {
	if err := checkStatus(options); err != nil {
		return nil, err
	}
	f, err := s.folder(name)
	if err != nil {
		return nil, err
	}
	return s.status(f), nil
}

func checkStatus(options *imap.StatusOptions) error {
	if options.DeletedStorage {
		return bad("DELETED-STORAGE is not offered")
	}
	return nil
}

func (s *imapSession) status(f mail.Folder) *imap.StatusData {
	s.extension.setStatus(f.ModSeq)
	messages, unseen, deleted := uint32(f.Messages), uint32(f.Unseen), uint32(f.Deleted)
	limit, recent := s.AppendLimit(), s.server.recent.count(s.recentKey(f), f)
	return &imap.StatusData{
		Mailbox: canonicalName(f.Name), NumMessages: &messages, NumUnseen: &unseen, NumDeleted: &deleted, NumRecent: &recent,
		UIDNext: imap.UID(f.Next), UIDValidity: f.Validity, Size: &f.Size, AppendLimit: &limit, HighestModSeq: f.ModSeq,
	}
}

// Append implements imapserver.Session.
func (s *imapSession) Append(name string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	f, err := s.target(name)
	if err != nil {
		return nil, err
	}
	flags, err := parseFlags(options.Flags)
	if err != nil {
		return nil, err
	}
	whole := &exactReader{r: r, left: r.Size()}
	it, err := s.mb.Save(s.ctx, f.Name, flags, options.Time, whole)
	if err != nil {
		return nil, s.failure(err)
	}
	if v := s.selected.Load(); v != nil && v.folder == f.Name {
		v.setChanged()
	}
	return &imap.AppendData{UIDValidity: f.Validity, UID: imap.UID(it.UID)}, nil
}

// exactReader fails if a reader ends early, so that a broken connection leaves no
// partial message.
type exactReader struct {
	r    imap.LiteralReader
	left int64
}

func (e *exactReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if err != nil && e.left > 0 {
		err = moot.Errorf(moot.Unavailable, "the connection ended within the message")
	}
	return n, err
}
