package compare

import "testing"

func TestParseStat(t *testing.T) {
	cores := parseStat("cpu  3 0 3 14 0 0 0 0 0 0\ncpu0 1 0 1 7 0 0 0 1 0 0\ncpu1 2 1 0 5 2 0 0 0 0 0\nintr 5 0\nctxt 9\n")
	if len(cores) != 2 || cores[0] != (coreTime{3, 10}) || cores[1] != (coreTime{3, 10}) {
		t.Errorf("%+v", cores)
	}
	if cores := parseStat("cpu0 rubbish"); cores != nil {
		t.Errorf("of rubbish: %+v", cores)
	}
}
