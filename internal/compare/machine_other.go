//go:build !linux

package compare

import "runtime"

// readCPU returns nothing: only Linux is read.
func readCPU() []coreTime { return nil }

func system() string { return runtime.GOOS + " " + runtime.GOARCH }

// freeSpace is not known.
func freeSpace(string) int64 { return 0 }
