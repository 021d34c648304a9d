// Package ignore decides which paths of a directory are left out, by patterns in the
// syntax of gitignore. It must not know the disk.
package ignore

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Set is the patterns of a directory: those of the set itself, and of files in its folders. It
// is not safe for concurrent use.
type Set struct {
	base    []pattern            // in the directory itself, before those of its file
	folders map[string][]pattern // by folder; "" is the directory itself
	ignored map[string]bool      // folders that were asked for
}

// private is this program's own folder: no pattern brings it in.
const private = ".moot"

// usual is left out unless a pattern says otherwise: mirrored file by file a repository
// breaks, and its hooks are other people's programs.
const usual = ".git"

// New returns a set that leaves out .moot and .git, in any case of their letters: file
// systems may take one for the other. The patterns come before those of files.
func New(patterns ...string) *Set {
	base := read([]byte(strings.Join(patterns, "\n")))
	return &Set{base: base, folders: map[string][]pattern{}, ignored: map[string]bool{}}
}

// Add takes in the content of a pattern file in a folder, in place of what was there. Lines
// that make no sense, and those beyond the limits, match nothing.
func (s *Set) Add(folder string, content []byte) {
	clear(s.ignored)
	s.folders[folder] = read(content)
}

// Remove forgets the patterns of a folder.
func (s *Set) Remove(folder string) {
	clear(s.ignored)
	delete(s.folders, folder)
}

// Has reports whether a folder has patterns.
func (s *Set) Has(folder string) bool {
	_, has := s.folders[folder]
	return has
}

// Folders returns the folders that have patterns.
func (s *Set) Folders() []string { return slices.Sorted(maps.Keys(s.folders)) }

// Ignored reports whether a path is left out: by the last pattern that matches it, those of
// deeper folders after others, or because a folder is that it lies in.
func (s *Set) Ignored(at string, isFolder bool) bool {
	if i := strings.LastIndexByte(at, '/'); i >= 0 && s.folderIgnored(at[:i]) {
		return true
	}
	return s.matches(at, isFolder)
}

func (s *Set) folderIgnored(dir string) bool {
	if known, is := s.ignored[dir]; is {
		return known
	}
	is := s.Ignored(dir, true)
	s.ignored[dir] = is
	return is
}

// matches looks from the last pattern of the deepest folder on: the first that matches counts.
func (s *Set) matches(at string, isFolder bool) bool {
	base := path.Base(at)
	if strings.EqualFold(base, private) {
		return true
	}
	var few [16]string
	names := few[:0]
	for dir, from := at, len(at); from > 0; {
		from = strings.LastIndexByte(dir, '/') + 1
		names = append(names, dir[from:])
		dir = dir[:max(from-1, 0)]
		if p := last(s.folders[dir], names, isFolder); p != nil {
			return !p.negated
		}
	}
	if p := last(s.base, names, isFolder); p != nil {
		return !p.negated
	}
	return strings.EqualFold(base, usual)
}
