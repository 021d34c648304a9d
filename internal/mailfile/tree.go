package mailfile

import (
	"bufio"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	moots "github.com/mootspace/moot/internal/mail"
)

// Source is a file or directory with the messages of one folder.
type Source struct {
	Path   string
	Folder string // where they belong
	Size   int64  // bytes of them
	dir    bool   // a Maildir
}

// maxSources bounds how many folders a tree may have.
const maxSources = 10000

// Find returns the folders in an mbox file, a Maildir, or a directory of such. A Maildir
// itself, and a file called inbox, are the inbox. With root set its folders go below root
// instead. Kinds: NotFound, Invalid if there is no mail.
func Find(path, root string) (list []Source, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, durable.Error("read "+path, err)
	}
	if !info.IsDir() {
		folder := root
		if folder == "" {
			folder = folderOf(strings.TrimSuffix(filepath.Base(path), ".mbox"))
		}
		return []Source{{Path: path, Folder: folder, Size: info.Size()}}, nil
	}
	err = filepath.WalkDir(path, func(at string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(path, at)
		if err != nil {
			return err
		}
		s, ok, err := look(at, rel, e)
		if ok {
			s.Folder = below(root, s.Folder)
			list = append(list, s)
		}
		if len(list) > maxSources {
			return moot.Errorf(moot.TooLarge, "%s has more than %d folders", path, maxSources)
		}
		return err
	})
	if err != nil {
		return nil, durable.Error("read "+path, err)
	}
	if len(list) == 0 {
		return nil, moot.Errorf(moot.Invalid, "there is no mail in %s: want an mbox file, a Maildir, or a directory of such", path)
	}
	return list, nil
}

// look returns the folder at a place in a tree, if one is there.
func look(at, rel string, e fs.DirEntry) (s Source, ok bool, err error) {
	s = Source{Path: at, Folder: folderOf(rel)}
	switch {
	case e.IsDir() && (e.Name() == "cur" || e.Name() == "new" || e.Name() == "tmp") && IsMaildir(filepath.Dir(at)):
		return s, false, filepath.SkipDir
	case e.IsDir() && IsMaildir(at):
		s.dir = true
		for _, sub := range []string{"cur", "new"} {
			files, err := os.ReadDir(filepath.Join(at, sub))
			if err != nil {
				return s, false, err
			}
			for _, f := range files {
				if info, err := f.Info(); err == nil {
					s.Size += info.Size()
				}
			}
		}
		return s, true, nil
	case !e.Type().IsRegular():
		return s, false, nil
	}
	info, err := e.Info()
	if err != nil || !isMbox(at) {
		return s, false, nil //nolint:nilerr // it has gone meanwhile
	}
	s.Size = info.Size()
	return s, true, nil
}

// isMbox reports whether a file begins as an mbox file does.
func isMbox(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head, _ := bufio.NewReader(f).Peek(len(from))
	return string(head) == string(from)
}

// folderOf returns the folder for a path in a tree: Thunderbird's have the subfolders of
// NAME in NAME.sbd, Dovecot's are NAME.SUB after a dot.
func folderOf(rel string) string {
	if rel == "." {
		return moots.Inbox
	}
	var parts []string
	for _, part := range strings.Split(filepath.ToSlash(rel), "/") {
		if dotted, ok := strings.CutPrefix(part, "."); ok {
			for _, sub := range strings.Split(dotted, ".") {
				parts = append(parts, plainName(sub))
			}
			continue
		}
		part = strings.TrimSuffix(strings.TrimSuffix(part, ".sbd"), ".mbox")
		parts = append(parts, plainName(part))
	}
	if strings.EqualFold(parts[0], moots.Inbox) {
		parts[0] = moots.Inbox
	}
	for _, special := range []string{moots.SentFolder, moots.DraftsFolder, moots.ArchiveFolder, moots.JunkFolder, moots.TrashFolder} {
		if len(parts) == 1 && strings.EqualFold(parts[0], special) {
			parts[0] = special
		}
	}
	return strings.Join(parts, "/")
}

// plainName returns a part of a folder's name that can be one here.
func plainName(part string) string {
	if decoded, ok := decodeUTF7(part); ok {
		part = decoded
	}
	part = strings.Map(func(r rune) rune {
		if r == '/' || r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '_'
		}
		return r
	}, part)
	if part == "" {
		return "_"
	}
	return part
}

func below(root, folder string) string {
	switch {
	case root == "":
		return folder
	case folder == moots.Inbox:
		return root
	}
	return root + "/" + folder
}

// Messages yields the messages of a folder. A file that is no mbox is one message.
func (s Source) Messages() iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		put := func(m Message, err error) bool {
			m.Folder = s.Folder
			return yield(m, err)
		}
		if s.dir {
			ReadMaildir(s.Path)(put)
			return
		}
		f, err := os.Open(s.Path)
		if err != nil {
			put(Message{}, durable.Error("", err))
			return
		}
		defer f.Close()
		if isMbox(s.Path) || s.Size == 0 {
			ReadMbox(s.Path, f)(put)
			return
		}
		info, err := f.Stat()
		if err != nil {
			put(Message{}, durable.Error("", err))
			return
		}
		m, err := maildirFile{s.Path, info}.read(nil)
		if err != nil {
			err = Damaged{s.Path, err}
		}
		if t := headerTime(m.MIME); !t.IsZero() {
			m.Time = t
		}
		put(m, err)
	}
}
