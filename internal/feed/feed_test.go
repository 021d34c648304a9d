package feed_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

var space = moot.SpaceID{7}

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func at(s int) func() time.Time {
	return func() time.Time { return time.Unix(1_800_000_000+int64(s), 0) }
}

func newAuthor(n byte) *feed.Author {
	return feed.NewAuthor(space, key(n), feed.NewClock(at(0), 0), nil)
}

func state(a *feed.Author, key, body string, replaces ...moot.Entry) moot.Entry {
	var ids []moot.EntryID
	for _, r := range replaces {
		ids = append(ids, r.ID)
	}
	e := a.Next(moot.KindFile, key, ids, []byte(body))
	a.Commit(e)
	return e
}

func wantKind(t *testing.T, what string, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Errorf("%s: %v (%q), want kind %q", what, err, moot.KindOf(err), kind)
	}
}

func TestSignedEntriesVerify(t *testing.T) {
	a := newAuthor(1)
	first := state(a, "a", "body")
	second := state(a, "a", "", first)
	for _, e := range []moot.Entry{first, second} {
		wantKind(t, "verify", feed.Verify(e), "")
		back, err := feed.Decode(feed.Encode(e))
		if err != nil || back.ID != e.ID || !bytes.Equal(back.Body, e.Body) || back.Sig != e.Sig {
			t.Fatalf("read back %+v, %v", back, err)
		}
	}
	if !second.Deletes() || first.Deletes() {
		t.Error("an entry deletes if, and only if, its body is empty")
	}
	stripped := first
	stripped.Body = nil
	wantKind(t, "a dropped body", feed.Verify(stripped), "")
	if back, err := feed.Decode(feed.Encode(stripped)); err != nil || back.ID != first.ID {
		t.Errorf("a dropped body: %v", err)
	}
}

// TestEncodingOfVersion010 holds entries as version 0.1.0 encoded them.
func TestEncodingOfVersion010(t *testing.T) {
	a := newAuthor(1)
	one := state(a, "name", "body")
	for i, c := range []struct {
		entry moot.Entry
		want  string
	}{
		{one, "8358a08b015820070000000000000000000000000000000000000000000000000000000000000058208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c01582000000000000000000000000000000000000000000000000000000000000000001b01a3185c500000006466696c65646e616d658058200be9c598ae63835518e7fb422dc3027f452d75f3dbdb94c90d843298b1180ad9045840fb74626a7aad8446086990d6d55d1998c8c9071566397f5b671921a45ace4a1db65c33f6f37798d273f2e3e7235f55333b8c007a358971dba086b75762aa480e44626f6479"},
		{state(a, "name", "", one), "8358c28b015820070000000000000000000000000000000000000000000000000000000000000058208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c025820499ec06327c72427038e120914ff1273fe16a53f3a542f4cf507f6ffda16e0d81b01a3185c500000016466696c65646e616d65815820499ec06327c72427038e120914ff1273fe16a53f3a542f4cf507f6ffda16e0d85820af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262005840b83083c99ca9fa76895be4cc6174262de914d5ab05ad8d43d730f22a441aed0753b2dca184ca811a688df11dfc401c7ce6500c83bdacb2f807342ad4b2ba2400f6"},
	} {
		if got := hex.EncodeToString(feed.Encode(c.entry)); got != c.want {
			t.Errorf("entry %d is encoded as %s", i+1, got)
		}
	}
}

func TestChangedEntriesDoNotVerify(t *testing.T) {
	good := state(newAuthor(1), "a", "body")
	for what, change := range map[string]func(*moot.Entry){
		"space":  func(e *moot.Entry) { e.Space[0]++ },
		"author": func(e *moot.Entry) { e.Author = moot.Key(key(2).Public().(ed25519.PublicKey)) },
		"time":   func(e *moot.Entry) { e.Time++ },
		"kind":   func(e *moot.Entry) { e.Kind = moot.KindMember },
		"key":    func(e *moot.Entry) { e.Key = "b" },
		"body":   func(e *moot.Entry) { e.Body = []byte("Body") },
		"sig":    func(e *moot.Entry) { e.Sig[5] ^= 1 },
		"hash":   func(e *moot.Entry) { e.BodyHash[5] ^= 1 },
		"id":     func(e *moot.Entry) { e.ID[5] ^= 1 },
	} {
		bad := good
		change(&bad)
		wantKind(t, what, feed.Verify(bad), moot.Corrupt)
		if what == "id" || what == "body" || what == "hash" {
			continue
		}
		again, err := feed.Decode(feed.Encode(bad)) // computes another ID
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, what+", encoded", feed.Verify(again), moot.Corrupt)
	}
}

func TestLimits(t *testing.T) {
	a := newAuthor(1)
	many := make([]moot.EntryID, moot.MaxReplaces+1)
	for what, c := range map[string]struct {
		e    moot.Entry
		kind moot.ErrorKind
	}{
		"largest":  {a.Next(moot.KindFile, strings.Repeat("k", moot.MaxKey), many[1:], make([]byte, moot.MaxBody)), ""},
		"body":     {a.Next(moot.KindFile, "k", nil, make([]byte, moot.MaxBody+1)), moot.TooLarge},
		"key":      {a.Next(moot.KindFile, strings.Repeat("k", moot.MaxKey+1), nil, nil), moot.TooLarge},
		"replaces": {a.Next(moot.KindFile, "k", many, nil), moot.TooLarge},
		"no kind":  {a.Next("", "k", nil, nil), moot.Invalid},
		"no UTF-8": {a.Next(moot.KindFile, "\xff", nil, nil), moot.Invalid},
	} {
		wantKind(t, what, feed.Verify(c.e), c.kind)
		if _, err := feed.Decode(feed.Encode(c.e)); (err == nil) != (c.kind == "") {
			t.Errorf("%s, encoded: %v", what, err)
		}
	}
}

func TestFollows(t *testing.T) {
	a, other := newAuthor(1), newAuthor(1)
	e1, e2, e3 := state(a, "a", "1"), state(a, "a", "2"), state(a, "a", "3")
	f1 := state(other, "b", "other")
	f2 := state(other, "b", "other 2")
	wantKind(t, "first", feed.Follows(nil, &e1), "")
	wantKind(t, "second", feed.Follows(&e1, &e2), "")
	wantKind(t, "left out", feed.Follows(&e1, &e3), moot.Gap)
	wantKind(t, "no beginning", feed.Follows(nil, &e2), moot.Gap)
	wantKind(t, "again", feed.Follows(&e1, &e1), moot.Fork)
	wantKind(t, "another branch", feed.Follows(&e1, &f2), moot.Fork)
	wantKind(t, "fork", feed.ForkProof{A: e1, B: f1}.Verify(), "")
	wantKind(t, "no fork", feed.ForkProof{A: e1, B: e2}.Verify(), moot.Invalid)
	wantKind(t, "the same", feed.ForkProof{A: e1, B: e1}.Verify(), moot.Invalid)

	early := moot.Entry{Space: space, Seq: 2, Prev: e1.ID, Time: e1.Time, Kind: moot.KindFile}
	feed.Sign(key(1), &early)
	wantKind(t, "no later", feed.Follows(&e1, &early), moot.Invalid)
}

func TestClock(t *testing.T) {
	now := at(0)()
	c := feed.NewClock(func() time.Time { return now }, 0)
	one := c.Now()
	if two := c.Now(); two <= one {
		t.Error("two readings in one millisecond are not in order")
	}
	ahead := moot.TimeAt(now.Add(feed.MaxDrift))
	if err := c.Observe(ahead); err != nil {
		t.Errorf("a time at the bound: %v", err)
	}
	if c.Now() <= ahead {
		t.Error("the clock is not later than what it observed")
	}
	wantKind(t, "too far ahead", c.Observe(ahead+1<<16), moot.Invalid)
	now = now.Add(-time.Hour)
	if before := c.Now(); c.Now() <= before {
		t.Error("the clock went back with the wall clock")
	}
}

func TestReader(t *testing.T) {
	a := newAuthor(1)
	var stream bytes.Buffer
	for _, body := range []string{"one", "two", ""} {
		stream.Write(feed.Encode(state(a, "a", body)))
	}
	whole := stream.Bytes()
	r := feed.NewReader(bytes.NewReader(whole))
	for i := range 3 {
		if e, err := r.Next(); err != nil || e.Seq != uint64(i+1) {
			t.Fatalf("entry %d: %d, %v", i+1, e.Seq, err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	_, err := feed.NewReader(bytes.NewReader(whole[:20])).Next()
	wantKind(t, "cut", err, moot.Unavailable)
	_, err = feed.NewReader(strings.NewReader("GET / HTTP/1.1\r\n\r\n")).Next()
	wantKind(t, "garbage", err, moot.Invalid)
	endless := io.MultiReader(bytes.NewReader([]byte{0x5a, 0x7f, 0xff, 0xff, 0xff}), zeros{})
	if _, err = feed.NewReader(endless).Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("an endless item: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzDecode(f *testing.F) {
	a := newAuthor(1)
	f.Add(feed.Encode(state(a, "name", "body")))
	f.Add(feed.Encode(state(a, "name", "")))
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := feed.Decode(in)
		if err != nil {
			return
		}
		if out := feed.Encode(e); !bytes.Equal(in, out) {
			t.Fatalf("%x became %x", in, out)
		}
		if feed.Verify(e) == nil && e.Author != a.Next("k", "", nil, nil).Author {
			t.Log("a signature of another author: unlikely, but possible")
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add(feed.Encode(state(newAuthor(1), "name", "body")))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := feed.NewReader(bytes.NewReader(in))
		for range len(in) + 1 {
			if _, err := r.Next(); err != nil {
				return
			}
		}
		t.Fatal("more entries than bytes")
	})
}

func BenchmarkVerify(b *testing.B) {
	e := state(newAuthor(1), "a name", "a body")
	for b.Loop() {
		if err := feed.Verify(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	in := feed.Encode(state(newAuthor(1), "a name", "a body"))
	for b.Loop() {
		if _, err := feed.Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}
