// Package dirtest has directories that fail when a test wants it: errors, full disks,
// edits behind the back, lost power. It must not be part of the program.
package dirtest

import "github.com/mootspace/moot/internal/localdir"

// Faulty is a directory that calls Before ahead of each operation.
type Faulty struct {
	localdir.Dir
	// Before gets the operation (the method's name in lower case) and its first path. It
	// may edit the directory, and an error that it returns is the operation's.
	Before func(op, path string) error
}
