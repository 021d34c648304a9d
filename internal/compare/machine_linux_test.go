package compare

import (
	"strings"
	"testing"
)

func TestParseStat(t *testing.T) {
	cores := parseStat("cpu  3 0 3 14 0 0 0 0 0 0\ncpu0 1 0 1 7 0 0 0 1 0 0\ncpu1 2 1 0 5 2 0 0 0 0 0\nintr 5 0\nctxt 9\n")
	if len(cores) != 2 || cores[0] != (coreTime{3, 10}) || cores[1] != (coreTime{3, 10}) {
		t.Errorf("%+v", cores)
	}
	if cores := parseStat("cpu0 rubbish"); cores != nil {
		t.Errorf("of rubbish: %+v", cores)
	}
}

// TestMachine: the kernel's own figures of the machine that runs the test.
func TestMachine(t *testing.T) {
	cores := readCPU()
	if len(cores) == 0 {
		t.Fatal("no cores")
	}
	for _, c := range cores {
		if c.busy < 0 || c.total < c.busy || c.total == 0 {
			t.Errorf("%+v", c)
		}
	}
	if !strings.HasPrefix(system(), "Linux ") {
		t.Errorf("the system is %q", system())
	}
	if free := freeSpace(t.TempDir()); free <= 0 {
		t.Errorf("%d bytes free", free)
	}
	if free := freeSpace("/missing"); free != 0 {
		t.Errorf("%d bytes free in a missing directory", free)
	}
}
