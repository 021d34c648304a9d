package mail

import (
	"encoding/json"
	"testing"

	"github.com/mootspace/moot"
)

// TestCursorOfVersion010 reads everything anew: what it says was read has no IDs.
func TestCursorOfVersion010(t *testing.T) {
	var c cursor
	if err := json.Unmarshal([]byte(`{"`+moot.Key{1}.String()+`":5}`), &c); err != nil || len(c.Heads) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestVectors(t *testing.T) {
	a, b := moot.Key{1}, moot.Key{2}
	head := func(seq uint64) moot.Head { return moot.Head{Seq: seq, ID: moot.EntryID{byte(seq)}} }
	seen := moot.Vector{Heads: map[moot.Key][]moot.Head{a: {head(5)}}}
	for _, c := range []struct {
		what string
		now  moot.Vector
		want bool
	}{
		{"the same", moot.Vector{Heads: map[moot.Key][]moot.Head{a: {head(5)}}}, true},
		{"a node that is behind", moot.Vector{Heads: map[moot.Key][]moot.Head{a: {head(3)}}}, true},
		{"more", moot.Vector{Heads: map[moot.Key][]moot.Head{a: {head(6)}}}, false},
		{"another author", moot.Vector{Heads: map[moot.Key][]moot.Head{a: {head(5)}, b: {head(1)}}}, false},
		{"a fork", moot.Vector{Heads: map[moot.Key][]moot.Head{a: {head(5), head(4)}}}, false},
		{"what began to count", moot.Vector{Heads: map[moot.Key][]moot.Head{a: {head(5)}}, Shown: 1}, false},
	} {
		if got := covers(seen, c.now); got != c.want {
			t.Errorf("%s is covered: %v", c.what, got)
		}
		next := joinVectors(seen, c.now, map[moot.Key]bool{b: true})
		if next.Seq(a) < 5 || next.Seq(b) != 0 || next.Shown != c.now.Shown {
			t.Errorf("%s: %+v", c.what, next)
		}
	}
}
