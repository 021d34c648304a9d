package durable_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot/internal/durable"
)

// recorder is a file that knows which of its blocks were written.
type recorder struct {
	*os.File
	blocks map[int64]bool
}

const block = 4 << 10

func (r *recorder) WriteAt(p []byte, off int64) (int, error) {
	for b := off / block; b*block < off+int64(len(p)); b++ {
		r.blocks[b] = true
	}
	return r.File.WriteAt(p, off)
}

// TestSparse writes data and zeros in pieces of any size: the content is the same, and no
// block of zeros is written.
func TestSparse(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		content := make([]byte, rnd.IntN(12*block))
		data := map[int64]bool{}
		for b := int64(0); b*block < int64(len(content)); b++ {
			if end := min((b+1)*block, int64(len(content))); rnd.IntN(2) == 0 {
				content[b*block+rnd.Int64N(end-b*block)] = 1
				data[b] = true
			}
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "f"))
		if err != nil {
			t.Fatal(err)
		}
		r := &recorder{f, map[int64]bool{}}
		s := durable.NewSparse(r)
		longest := 1 + rnd.IntN(3*block)
		for rest := content; len(rest) > 0; {
			n := min(len(rest), 1+rnd.IntN(longest))
			if got, err := s.Write(rest[:n]); got != n || err != nil {
				t.Fatal(got, err)
			}
			rest = rest[n:]
		}
		if err := s.Finish(); err != nil || s.Size() != int64(len(content)) {
			t.Fatal(s.Size(), err)
		}
		f.Close()
		if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("round %d: %d bytes became others (%d), %v", round, len(content), len(got), err)
		}
		for b := range r.blocks {
			if !data[b] {
				t.Errorf("round %d: block %d of zeros was written", round, b)
			}
		}
	}
}

func TestIsZero(t *testing.T) {
	for _, n := range []int{0, 1, 7, block - 1, block, block + 1, 3*block + 5} {
		p := make([]byte, n)
		if !durable.IsZero(p) {
			t.Errorf("%d zeros are none", n)
		}
		for _, at := range []int{0, n / 2, n - 1} {
			if n == 0 {
				continue
			}
			p[at] = 1
			if durable.IsZero(p) {
				t.Errorf("%d bytes with one at %d are zeros", n, at)
			}
			p[at] = 0
		}
	}
}
