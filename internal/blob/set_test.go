package blob_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// TestSetIsASet compares a Set with a map.
func TestSetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, 300*blob.GroupSize).Draw(t, "size")
		s, model := blob.NewSet(size), map[int64]bool{}
		for _, g := range rapid.SliceOfN(rapid.Int64Range(-2, 305), 0, 400).Draw(t, "groups") {
			s.Add(g)
			if g >= 0 && g < blob.Groups(size) {
				model[g] = true
			}
		}
		if s.Count() != int64(len(model)) || s.Complete() != (int64(len(model)) == blob.Groups(size)) {
			t.Fatalf("count %d, want %d", s.Count(), len(model))
		}
		r := moot.Range{Offset: rapid.Int64Range(0, size).Draw(t, "offset"), Length: rapid.Int64Range(-1, size).Draw(t, "length")}
		if got, want := s.Missing(r), missing(model, r, size); !reflect.DeepEqual(got, want) {
			t.Fatalf("missing of %v: %v, want %v", r, got, want)
		}
		for _, r := range s.Ranges() {
			for g := r.Offset / blob.GroupSize; g < r.Offset/blob.GroupSize+blob.Groups(r.Length); g++ {
				if !model[g] {
					t.Fatalf("range %v has group %d", r, g)
				}
				delete(model, g)
			}
		}
		if len(model) > 0 {
			t.Fatalf("ranges lack %v", model)
		}
		text, _ := s.MarshalBinary()
		var back blob.Set
		if err := back.UnmarshalBinary(text); err != nil || !reflect.DeepEqual(&back, s) {
			t.Fatalf("read back: %v", err)
		}
	})
}

// missing is a plain reference implementation: one group after the other.
func missing(model map[int64]bool, r moot.Range, size int64) (out []moot.Range) {
	r = r.In(size)
	for g := range blob.Groups(size) {
		at := moot.Range{Offset: g * blob.GroupSize, Length: blob.GroupSize}.In(size)
		last := g == blob.Groups(size)-1
		inside := at.Offset < r.End() && r.Offset < at.End() || r.Length == 0 && (r.Offset/blob.GroupSize == g || last && r.Offset >= at.End())
		if model[g] || !inside {
			continue
		}
		if n := len(out); n > 0 && out[n-1].End() == at.Offset {
			out[n-1].Length += at.Length
		} else {
			out = append(out, at)
		}
	}
	return out
}

func FuzzSet(f *testing.F) {
	s := blob.NewSet(70 * blob.GroupSize)
	s.Add(3)
	text, _ := s.MarshalBinary()
	f.Add(text)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		var s blob.Set
		if s.UnmarshalBinary(in) != nil {
			return
		}
		if out, _ := s.MarshalBinary(); !reflect.DeepEqual(in, out) {
			t.Fatalf("%x became %x", in, out)
		}
		s.Ranges()
		s.Missing(moot.Whole)
	})
}
