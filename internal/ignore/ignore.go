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
	folders map[string][]pattern // by folder; "" is the directory itself
	ignored map[string]bool      // folders that were asked for
}

// pattern is one line.
type pattern struct {
	negated, folder bool
	anchored        bool // matched from the folder of its file, else at any depth
	parts           []string
}

// usual is left out unless a pattern says otherwise: mirrored file by file a repository
// breaks, and its hooks are other people's programs.
const usual = ".git"

// Limits of what is taken in of one file.
const (
	maxPatterns = 4096
	maxParts    = 64
)

// New returns a set that leaves out .git.
func New() *Set { return &Set{folders: map[string][]pattern{}, ignored: map[string]bool{}} }

// Add takes in the content of a pattern file in a folder, in place of what was there. Lines
// that make no sense match nothing.
func (s *Set) Add(folder string, content []byte) {
	clear(s.ignored)
	var list []pattern
	for line := range strings.Lines(string(content)) {
		if p, ok := parse(strings.TrimRight(line, "\r\n")); ok && len(list) < maxPatterns {
			list = append(list, p)
		}
	}
	s.folders[folder] = list
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

// parse reads one line.
func parse(line string) (p pattern, ok bool) {
	line = trimSpaces(line)
	if line == "" || line[0] == '#' {
		return p, false
	}
	if p.negated = line[0] == '!'; p.negated {
		line = line[1:]
	}
	if trimmed := strings.TrimSuffix(line, "/"); trimmed != line {
		p.folder, line = true, trimmed
	}
	p.anchored = strings.Contains(line, "/")
	p.parts = strings.Split(strings.TrimPrefix(line, "/"), "/")
	if len(p.parts) > maxParts || line == "" {
		return p, false
	}
	for i, part := range p.parts {
		p.parts[i] = strings.ReplaceAll(part, "[!", "[^")
		if _, err := path.Match(p.parts[i], ""); err != nil {
			return p, false
		}
	}
	return p, true
}

// trimSpaces removes spaces at the end of a line, but for one that is escaped.
func trimSpaces(line string) string {
	for strings.HasSuffix(line, " ") {
		before := line[:len(line)-1]
		escapes := len(before) - len(strings.TrimRight(before, `\`))
		if escapes%2 == 1 {
			break
		}
		line = before
	}
	return line
}

// Ignored reports whether a path is left out: by the last pattern that matches it, those of
// deeper folders after others, or because a folder is that it lies in.
func (s *Set) Ignored(at string, isFolder bool) bool {
	if dir := path.Dir(at); dir != "." && s.folderIgnored(dir) {
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

func (s *Set) matches(at string, isFolder bool) bool {
	ignored := path.Base(at) == usual
	if len(s.folders) == 0 {
		return ignored
	}
	names := strings.Split(at, "/")
	dir := ""
	for i := range names {
		for _, p := range s.folders[dir] {
			if p.matches(names[i:], isFolder) {
				ignored = !p.negated
			}
		}
		dir = path.Join(dir, names[i])
	}
	return ignored
}

func (p pattern) matches(names []string, isFolder bool) bool {
	if p.folder && !isFolder {
		return false
	}
	if !p.anchored {
		ok, _ := path.Match(p.parts[0], names[len(names)-1])
		return ok || p.parts[0] == "**"
	}
	return match(p.parts, names)
}

// match matches names one by one; ** stands for any number of them.
func match(parts, names []string) bool {
	for len(parts) > 0 {
		if parts[0] == "**" {
			if len(parts) == 1 {
				return len(names) > 0
			}
			for i := range names {
				if match(parts[1:], names[i:]) {
					return true
				}
			}
			return false
		}
		if len(names) == 0 {
			return false
		}
		if ok, _ := path.Match(parts[0], names[0]); !ok {
			return false
		}
		parts, names = parts[1:], names[1:]
	}
	return len(names) == 0
}

// Folders returns the folders that have patterns.
func (s *Set) Folders() []string { return slices.Sorted(maps.Keys(s.folders)) }
