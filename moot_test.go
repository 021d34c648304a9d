package moot_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/mootspace/moot"
)

func TestKeysAndIDsRoundTripAsText(t *testing.T) {
	key := moot.Key{1, 2, 3}
	if got, err := moot.ParseKey(key.String()); err != nil || got != key {
		t.Errorf("ParseKey(%s) = %v, %v", key, got, err)
	}
	id := moot.BlobID{0xaf, 0x13}
	if got, err := moot.ParseBlobID(id.String()); err != nil || got != id {
		t.Errorf("ParseBlobID(%s) = %v, %v", id, got, err)
	}
	for _, bad := range []string{"", "xyz", key.String()[1:], id.String() + "00", "../../etc/passwd"} {
		if _, err := moot.ParseKey(bad); !errors.Is(err, moot.Invalid) {
			t.Errorf("ParseKey(%q) = %v, want kind Invalid", bad, err)
		}
		if _, err := moot.ParseBlobID(bad); !errors.Is(err, moot.Invalid) {
			t.Errorf("ParseBlobID(%q) = %v, want kind Invalid", bad, err)
		}
	}
}

func TestErrorKindsSurviveWrapping(t *testing.T) {
	err := moot.Wrap("get a", fmt.Errorf("layer: %w", moot.Errorf(moot.NotFound, "nobody has it")))
	if !errors.Is(err, moot.NotFound) || errors.Is(err, moot.Corrupt) {
		t.Errorf("kind of %v is lost", err)
	}
	if want := "get a: layer: nobody has it"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	for err, want := range map[error]moot.ErrorKind{nil: "", context.Canceled: moot.Unavailable, errors.New("x"): moot.Internal, moot.Full: moot.Full} {
		if got := moot.KindOf(err); got != want {
			t.Errorf("KindOf(%v) = %q, want %q", err, got, want)
		}
	}
	if moot.Wrap("op", nil) != nil {
		t.Error("Wrap of nil is not nil")
	}
}

func TestRangesAreClipped(t *testing.T) {
	for _, c := range []struct {
		r    moot.Range
		size int64
		want moot.Range
	}{
		{moot.Whole, 10, moot.Range{Offset: 0, Length: 10}},
		{moot.Range{Offset: 3, Length: 4}, 10, moot.Range{Offset: 3, Length: 4}},
		{moot.Range{Offset: 8, Length: 4}, 10, moot.Range{Offset: 8, Length: 2}},
		{moot.Range{Offset: 99, Length: 1 << 62}, 10, moot.Range{Offset: 10, Length: 0}},
		{moot.Range{Offset: -5, Length: -1}, 0, moot.Range{}},
	} {
		if got := c.r.In(c.size); got != c.want {
			t.Errorf("%v.In(%d) = %v, want %v", c.r, c.size, got, c.want)
		}
	}
}

func TestVector(t *testing.T) {
	a, b := moot.Key{1}, moot.Key{2}
	var v moot.Vector
	v.Add(&moot.Entry{Author: a, Seq: 2, ID: moot.EntryID{2}})
	v.Add(&moot.Entry{Author: a, Seq: 1, ID: moot.EntryID{1}})
	v.Add(&moot.Entry{Author: b, Seq: 1, ID: moot.EntryID{3}})
	if v.Seq(a) != 2 || v.Seq(b) != 1 || v.Seq(moot.Key{9}) != 0 {
		t.Errorf("%v", v)
	}
	w := v.Clone()
	if !w.Equal(v) {
		t.Error("a clone is not equal")
	}
	w.Heads[a] = append(w.Heads[a], moot.Head{Seq: 1, ID: moot.EntryID{4}})
	if v.Equal(w) || len(v.Heads[a]) != 1 || !w.Has(a, moot.Head{Seq: 1, ID: moot.EntryID{4}}) {
		t.Error("Clone shares, or Equal ignores a branch")
	}
	if w = v.Clone(); w.Shown == 0 {
		w.Shown = 1
	}
	if w.Equal(v) {
		t.Error("Equal ignores what was shown again")
	}
}

func TestArchitecturesRoundTripAsText(t *testing.T) {
	for _, a := range append(moot.Architectures(), moot.Architecture{}) {
		for _, s := range []string{a.String(), a.Name()} {
			if got, err := moot.ParseArchitecture(s); err != nil || got != a {
				t.Errorf("ParseArchitecture(%q) = %v, %v", s, got, err)
			}
		}
	}
	if _, err := moot.ParseArchitecture("federated"); !errors.Is(err, moot.Invalid) {
		t.Errorf("ParseArchitecture(federated) = %v, want kind Invalid", err)
	}
}

func TestHintsSurviveWrapping(t *testing.T) {
	err := moot.Wrap("get a", moot.WithHint(moot.Errorf(moot.Unavailable, "no server"), moot.HintStartServer))
	if moot.HintOf(err) != moot.HintStartServer || !errors.Is(err, moot.Unavailable) || err.Error() != "get a: no server" {
		t.Errorf("%v: hint %q, kind %q", err, moot.HintOf(err), moot.KindOf(err))
	}
	if again := moot.WithHint(err, moot.HintForce); moot.HintOf(again) != moot.HintStartServer {
		t.Error("a second hint displaces the first")
	}
	if moot.HintOf(errors.New("x")) != "" || moot.WithHint(nil, moot.HintForce) != nil {
		t.Error("a hint out of nothing")
	}
}
