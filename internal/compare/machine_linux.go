package compare

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// readCPU reads the time of each core (proc_stat(5)); nil if that fails.
func readCPU() []coreTime {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil
	}
	return parseStat(string(stat))
}

func parseStat(stat string) (cores []coreTime) {
	for line := range strings.Lines(stat) {
		f := strings.Fields(line)
		if len(f) < 9 || !strings.HasPrefix(f[0], "cpu") || f[0] == "cpu" {
			continue
		}
		var t coreTime
		for i, field := range f[1:9] { // user nice system idle iowait irq softirq steal
			v, _ := strconv.ParseFloat(field, 64) // digits only, by the kernel
			t.total += v
			if i != 3 && i != 4 { // stolen time counts as busy
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

// freeSpace is a directory's free bytes; 0 if not known.
func freeSpace(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
