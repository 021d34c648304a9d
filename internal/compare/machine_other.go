//go:build !linux

package compare

import "runtime"

// readCPU is not implemented: the load is not known.
func readCPU() []coreTime { return nil }

func system() string { return runtime.GOOS + " " + runtime.GOARCH }

// freeSpace is not known.
func freeSpace(string) int64 { return 0 }
