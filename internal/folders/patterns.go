package folders

import (
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/tree"
)

// patternFile holds patterns of what is neither sent nor removed, in gitignore's syntax.
const patternFile = ".mootignore"

// maxPatterns bounds the bytes that are read of one.
const maxPatterns = 1 << 20

// unwanted reports whether a path is neither sent nor put in place on this disk.
func (f *folder) unwanted(at string, isDir bool) bool {
	return f.ignored(at, isDir) || f.excepted(at)
}

func (f *folder) ignored(at string, isDir bool) bool { return f.ignore.Ignored(at, isDir) }

// onlyIgnored reports whether a folder is not empty, and patterns exclude all that is in it.
// Such a folder is not sent: it may be what is left of one that was removed.
func (f *folder) onlyIgnored(at string) bool {
	names, err := f.dir.ReadDir(at)
	for _, one := range names {
		if err != nil || one.Err != nil || !f.ignored(path.Join(at, one.Name), one.Stat.Type.IsDir()) {
			return false
		}
	}
	return err == nil && len(names) > 0
}

// excepted reports whether a path lies in a folder that is not wanted on this disk.
func (f *folder) excepted(at string) bool {
	for _, e := range f.settings.Except {
		if at == e || within(at, e, "/") {
			return true
		}
	}
	return false
}

// readPatterns takes in the patterns of a folder; if they have changed all is looked at.
func (l *look) readPatterns(d *node, names []localdir.Named) {
	at := d.path()
	for _, one := range names {
		if one.Name != patternFile || !one.Stat.Type.IsRegular() {
			continue
		}
		if old := d.children[patternFile]; old != nil && old.Stat.Unchanged(one.Stat) && l.ignore.Has(at) {
			return
		}
		in, err := l.dir.Open(path.Join(at, patternFile))
		if err != nil {
			return
		}
		content, err := io.ReadAll(io.LimitReader(in, maxPatterns))
		if in.Close() == nil && err == nil {
			l.ignore.Add(at, content)
			l.progress.applied = false
		}
		return
	}
	if l.ignore.Has(at) {
		l.ignore.Remove(at)
		l.progress.applied = false
	}
}

// folding returns what a file system makes of a name.
func folding(caseless, normal bool) func(string) string {
	return func(name string) string {
		if normal {
			name = norm.NFC.String(name)
		}
		if caseless {
			name = cases.Fold().String(name)
		}
		return name
	}
}

// distinct returns a name for something whose own the file system takes for another's.
func distinct(s tree.Shown) string {
	ext := path.Ext(s.Name)
	if ext == s.Name {
		ext = ""
	}
	return fmt.Sprintf("%s (%x)%s", strings.TrimSuffix(s.Name, ext), s.Item[:4], ext)
}
