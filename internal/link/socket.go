package link

import (
	"os"
	"path/filepath"
)

// maxSocketPath is the longest path that a Unix socket address holds.
const maxSocketPath = 100

// SocketPath returns a path short enough for a socket address: if the home lies deep,
// one relative to the working directory.
func SocketPath(path string) string {
	if len(path) <= maxSocketPath {
		return path
	}
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && len(rel) <= maxSocketPath {
			return rel
		}
	}
	return path
}
