//go:build unix

package wire

import (
	"context"
	"fmt"
	"iter"
	"syscall"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// ready is a node whose small blobs lie in memory, so that the link is measured.
type ready struct {
	*memory
	small map[moot.BlobID][]byte
}

func (r ready) GetMany(_ context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		for _, id := range ids {
			if data, ok := r.small[id]; ok && !yield(moot.Small{ID: id, Data: data}, nil) {
				return
			}
		}
	}
}

func (r ready) PutMany(_ context.Context, contents [][]byte) ([]moot.Blob, error) {
	list := make([]moot.Blob, len(contents))
	for i, c := range contents {
		list[i] = moot.Blob{ID: blob.IDOf(c), Size: int64(len(c))}
	}
	return list, nil
}

// cpu returns the processor time of this process in µs: of both sides of the link.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails only for a bad pointer
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1000
}

// BenchmarkSmall moves 4,000 blobs of 2 KB, one after the other (Each) or together (Many).
func BenchmarkSmall(b *testing.B) {
	n := ready{newMemory(), map[moot.BlobID][]byte{}}
	var contents [][]byte
	var ids []moot.BlobID
	for i := range 4000 {
		data := append(fmt.Appendf(nil, "%d", i), pattern(2000)...)
		contents, ids = append(contents, data), append(ids, blob.IDOf(data))
		n.small[ids[i]] = data
	}
	if _, err := n.memory.PutMany(b.Context(), contents); err != nil {
		b.Fatal(err)
	}
	get := func(seq iter.Seq2[moot.Small, error]) error {
		count := 0
		for _, err := range seq {
			if err != nil {
				return err
			}
			count++
		}
		if count != len(ids) {
			return moot.Errorf(moot.NotFound, "%d blobs came", count)
		}
		return nil
	}
	for name, move := range map[string]func(c *Client) error{
		"GetEach": func(c *Client) error { return get(blob.GetEach(b.Context(), c, ids)) },
		"GetMany": func(c *Client) error { return get(c.GetMany(b.Context(), ids)) },
		"PutEach": func(c *Client) error { _, err := blob.PutEach(b.Context(), c, contents); return err },
		"PutMany": func(c *Client) error { _, err := c.PutMany(b.Context(), contents); return err },
	} {
		b.Run(name, func(b *testing.B) {
			each(b, n, func(b *testing.B, c *Client) {
				begun := cpu()
				for b.Loop() {
					if err := move(c); err != nil {
						b.Fatal(err)
					}
				}
				count := float64(b.N * len(ids))
				b.ReportMetric((cpu()-begun)/count, "cpu-µs/blob")
				b.ReportMetric(float64(b.Elapsed().Microseconds())/count, "µs/blob")
			})
		})
	}
}
