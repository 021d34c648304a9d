// Package ignore holds patterns.
package ignore

// Set of patterns.
type Set struct{}

// New returns an empty set.
func New() *Set { return &Set{} }

// Add patterns of a folder.
func (s *Set) Add(folder string, content []byte) {}

// Remove those of a folder.
func (s *Set) Remove(folder string) {}

// Has reports whether a folder has patterns.
func (s *Set) Has(folder string) bool { return false }

// Ignored reports whether a path is.
func (s *Set) Ignored(path string, isDir bool) bool { return false }
