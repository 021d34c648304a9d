// Package ignore decides which paths of a directory are left out, by patterns in the
// syntax of gitignore. It must not know the disk.
package ignore
