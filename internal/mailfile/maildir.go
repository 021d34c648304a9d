package mailfile

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	moots "github.com/mootspace/moot/internal/mail"
)

// infoFlags are the codes of flags in the names of a Maildir's files, in their order.
var infoFlags = [...]struct {
	code byte
	flag moots.Flag
}{{'D', moots.Draft}, {'F', moots.Flagged}, {'P', "$Forwarded"}, {'R', moots.Answered}, {'S', moots.Seen}, {'T', moots.Deleted}}

// keywordsFile says which flags the codes a to z stand for, as Dovecot writes it.
const keywordsFile = "dovecot-keywords"

// IsMaildir reports whether a directory is a Maildir.
func IsMaildir(dir string) bool {
	for _, sub := range []string{"cur", "new"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// ReadMaildir yields the messages of one Maildir, the oldest first. An error of type
// Damaged is about one message, and others follow.
func ReadMaildir(dir string) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		words := readKeywords(filepath.Join(dir, keywordsFile))
		var files []maildirFile
		for _, sub := range []string{"cur", "new"} {
			list, err := os.ReadDir(filepath.Join(dir, sub))
			if err != nil {
				yield(Message{}, durable.Error("read "+dir, err))
				return
			}
			for _, e := range list {
				if info, err := e.Info(); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
					files = append(files, maildirFile{filepath.Join(dir, sub, e.Name()), info})
				}
			}
		}
		slices.SortStableFunc(files, func(a, b maildirFile) int {
			return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), cmp.Compare(a.info.Name(), b.info.Name()))
		})
		for _, f := range files {
			m, err := f.read(words)
			if err != nil {
				err = Damaged{f.path, err}
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

type maildirFile struct {
	path string
	info fs.FileInfo
}

func (f maildirFile) read(words map[byte]moots.Flag) (m Message, err error) {
	if f.info.Size() > MaxMessage {
		return m, moot.Errorf(moot.TooLarge, "it is larger than %d MiB", MaxMessage>>20)
	}
	r, err := os.Open(f.path)
	if err != nil {
		return m, durable.Error("", err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, MaxMessage+1))
	switch {
	case err != nil:
		return m, durable.Error("", err)
	case len(text) == 0:
		return m, moot.Errorf(moot.Invalid, "it is empty")
	}
	_, info, _ := strings.Cut(f.info.Name(), ":2,")
	for _, code := range []byte(info) {
		for _, known := range infoFlags {
			if known.code == code {
				m.Flags = append(m.Flags, known.flag)
			}
		}
		if w := words[code]; w != "" {
			m.Flags = append(m.Flags, w)
		}
	}
	m.MIME, m.Time = crlf(text), f.info.ModTime()
	return m, nil
}

// readKeywords reads Dovecot's names of keywords; none if there is no such file.
func readKeywords(path string) map[byte]moots.Flag {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	words := map[byte]moots.Flag{}
	lines := bufio.NewScanner(io.LimitReader(f, 64<<10))
	for lines.Scan() {
		var n int
		var word string
		if _, err := fmt.Sscanf(lines.Text(), "%d %s", &n, &word); err == nil && n >= 0 && n < 26 {
			for _, flag := range keywords([]string{word}) {
				words['a'+byte(n)] = flag
			}
		}
	}
	return words
}

// MaildirWriter adds messages to the folders of a Maildir++ tree, whose root is the inbox.
type MaildirWriter struct {
	root  string
	known map[string]*maildirFolder
}

type maildirFolder struct {
	dir   string
	have  map[string]bool // unique names, without flags
	words []moots.Flag
}

// NewMaildirWriter makes the root, unless it exists.
func NewMaildirWriter(root string) (*MaildirWriter, error) {
	w := &MaildirWriter{root: root, known: map[string]*maildirFolder{}}
	_, err := w.folder(moots.Inbox)
	return w, err
}

// folder returns where a folder is.
func (w *MaildirWriter) folder(name string) (*maildirFolder, error) {
	if f := w.known[name]; f != nil {
		return f, nil
	}
	f := &maildirFolder{dir: w.root, have: map[string]bool{}}
	if name != moots.Inbox {
		parts := strings.Split(name, "/")
		for i := range parts {
			parts[i] = encodeUTF7(parts[i])
		}
		f.dir = filepath.Join(w.root, "."+strings.Join(parts, "."))
	}
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(f.dir, sub), 0o700); err != nil {
			return nil, durable.Error("", err)
		}
		list, err := os.ReadDir(filepath.Join(f.dir, sub))
		if err != nil {
			return nil, durable.Error("", err)
		}
		for _, e := range list {
			if unique, _, _ := strings.Cut(e.Name(), ":"); sub != "tmp" {
				f.have[unique] = true
			}
		}
	}
	if name != moots.Inbox {
		if err := os.WriteFile(filepath.Join(f.dir, "maildirfolder"), nil, 0o600); err != nil {
			return nil, durable.Error("", err)
		}
	}
	words := readKeywords(filepath.Join(f.dir, keywordsFile))
	for code := byte('a'); words[code] != ""; code++ {
		f.words = append(f.words, words[code])
	}
	w.known[name] = f
	return f, nil
}

// Has reports whether a message with an ID was written to a folder before.
func (w *MaildirWriter) Has(folder, id string, at time.Time) (bool, error) {
	f, err := w.folder(folder)
	return err == nil && f.have[uniqueName(id, at)], err
}

func uniqueName(id string, at time.Time) string { return fmt.Sprintf("%d.%s.moot", at.Unix(), id) }

// Write adds a message, durably: it is there whole or not at all.
func (w *MaildirWriter) Write(m Message, id string) error {
	f, err := w.folder(m.Folder)
	if err != nil {
		return err
	}
	codes, err := f.codes(m.Flags)
	if err != nil {
		return err
	}
	unique := uniqueName(id, m.Time)
	tmp := filepath.Join(f.dir, "tmp", unique)
	if err := writeFile(tmp, lf(m.MIME), m.Time); err != nil {
		return errors.Join(durable.Error("", err), os.Remove(tmp))
	}
	if err := os.Rename(tmp, filepath.Join(f.dir, "cur", unique+":2,"+codes)); err != nil {
		return durable.Error("", err)
	}
	f.have[unique] = true
	return nil
}

func writeFile(path string, text []byte, at time.Time) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Chtimes(path, at, at)
	}
	return err
}

// codes returns the flags as a file's name has them. Keywords beyond the 26 that there
// are codes for are left out.
func (f *maildirFolder) codes(flags []moots.Flag) (string, error) {
	var list []byte
	for _, flag := range flags {
		i := slices.IndexFunc(infoFlags[:], func(known struct {
			code byte
			flag moots.Flag
		}) bool {
			return known.flag == flag
		})
		switch {
		case i >= 0:
			list = append(list, infoFlags[i].code)
			continue
		case strings.HasPrefix(string(flag), `\`):
			continue
		}
		at := slices.Index(f.words, flag)
		if at < 0 && len(f.words) < 26 {
			at = len(f.words)
			f.words = append(f.words, flag)
			var text strings.Builder
			for n, w := range f.words {
				fmt.Fprintf(&text, "%d %s\n", n, w)
			}
			if err := os.WriteFile(filepath.Join(f.dir, keywordsFile), []byte(text.String()), 0o600); err != nil {
				return "", durable.Error("", err)
			}
		}
		if at >= 0 {
			list = append(list, 'a'+byte(at))
		}
	}
	slices.Sort(list)
	return string(list), nil
}
