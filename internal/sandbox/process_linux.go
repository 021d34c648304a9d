package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processTime returns the processor time of a process; 0 if it has ended. The clock's
// number is made of the process's as in the kernel's include/linux/posix-timers.h.
func processTime(pid int) time.Duration {
	const scheduled = 2
	var t unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|scheduled), &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// residentSize returns the memory of a process in bytes; 0 if it has ended.
func residentSize(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64) // the kernel writes numbers
	return pages * int64(os.Getpagesize())
}

// harden ends a process with this one, and shields it from the terminal's signals.
func harden(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// niceDown lowers the priority of this process.
func niceDown() {
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 10) // otherwise it has normal priority
}
