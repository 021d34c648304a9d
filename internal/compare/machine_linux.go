package compare

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// readCPU reads what the kernel counts for each core (proc_stat(5)); nil if it cannot.
func readCPU() []ticks {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil
	}
	return parseStat(string(stat))
}

func parseStat(stat string) (cores []ticks) {
	for line := range strings.Lines(stat) {
		f := strings.Fields(line)
		if len(f) < 9 || !strings.HasPrefix(f[0], "cpu") || f[0] == "cpu" {
			continue
		}
		var t ticks
		for i, field := range f[1:9] { // user nice system idle iowait irq softirq steal
			v, _ := strconv.ParseFloat(field, 64) // the kernel's own
			t.all += v
			if i != 3 && i != 4 { // stolen time is missed, too
				t.busy += v
			}
		}
		cores = append(cores, t)
	}
	return cores
}

// system names the kernel.
func system() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "Linux"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
}

// room is how many bytes a directory can still take; 0 if that is not known.
func room(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
