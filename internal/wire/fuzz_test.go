package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/feed"
)

// encoded returns one entry as it travels.
func encoded(t testing.TB) []byte {
	t.Helper()
	return feed.Encode(newAuthor(1).sign("key", "body"))
}

func FuzzProblem(f *testing.F) {
	f.Add([]byte(`{"title":"x","status":404,"kind":"not-found","detail":"gone"}`), 404)
	f.Add([]byte(`{"kind":"\u0000"}`), 500)
	f.Add([]byte(`null`), 200)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		p, err := parseProblem(body, status)
		if err != nil {
			return
		}
		got := p.err()
		if kind := moot.KindOf(got); !known(kind) {
			t.Fatalf("kind %q", kind)
		}
		if text := got.Error(); text != printable(text) || len(text) > 4096 {
			t.Fatalf("%q", text)
		}
		again, err := parseProblem(mustJSON(newProblem(got)), statusOf(moot.KindOf(got)))
		if err != nil || moot.KindOf(again.err()) != moot.KindOf(got) {
			t.Fatalf("%v became %v", got, again.err())
		}
	})
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// However a stream of entries is cut up by the network, it reads the same; and it
// ends, with an error of a kind or cleanly behind a whole item.
func FuzzItems(f *testing.F) {
	entry := encoded(f)
	trouble, _ := cbor.MarshalFields(newProblem(moot.Errorf(moot.Gap, "a gap")))
	f.Add(append([]byte{itemNull}, entry...))
	f.Add(bytes.Join([][]byte{entry, entry, trouble}, []byte{itemNull}))
	f.Add(entry[:len(entry)/2])
	f.Add([]byte{0x9f, 0xff})
	f.Add([]byte{0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		all, end := drain(bytes.NewReader(stream))
		again, same := drain(iotest.OneByteReader(bytes.NewReader(stream)))
		if !reflect.DeepEqual(all, again) || moot.KindOf(end) != moot.KindOf(same) {
			t.Fatalf("%d entries and %v, or %d entries and %v", len(all), end, len(again), same)
		}
		if end != io.EOF && !known(moot.KindOf(end)) {
			t.Fatal(end)
		}
		for _, e := range all {
			if !bytes.Contains(stream, feed.Encode(e)) {
				t.Fatalf("an entry that was not there: %v", e)
			}
		}
	})
}

func drain(r io.Reader) (all []moot.Entry, end error) {
	in := newItems(r)
	for {
		e, heartbeat, err := in.nextEntry()
		if err != nil {
			return all, err
		}
		if !heartbeat {
			all = append(all, e)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add(string(mustJSON(moot.Query{Kind: moot.KindFile, Words: "a b", Author: moot.Key{3}, Limit: 4, History: true,
		Since: moot.Vector{Heads: map[moot.Key][]moot.Head{{1}: {{Seq: 2, ID: moot.EntryID{5}}, {Seq: 1}}}, Shown: 7}})))
	f.Add(string(mustJSON(moot.Query{IDs: []moot.EntryID{{1}, {2}}, History: true, Replica: true})))
	f.Add(`{"since":{"heads":{"x":1}}}`)
	f.Add(`{"since":{"heads":null},"ids":[]}`)
	f.Add(`{"limit":-1}`)
	f.Add(`{} x`)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := readQuery(strings.NewReader(text))
		if err != nil {
			if kind := moot.KindOf(err); kind != moot.Invalid && kind != moot.TooLarge {
				t.Fatal(err)
			}
			return
		}
		again, err := readQuery(bytes.NewReader(mustJSON(q)))
		if len(q.IDs) == 0 {
			q.IDs = nil
		}
		if err != nil || !reflect.DeepEqual(q, again) {
			t.Fatalf("%v became %v, %v", q, again, err)
		}
	})
}

func FuzzHolding(f *testing.F) {
	f.Add(`{"size":10,"ranges":[{"Offset":0,"Length":3},{"Offset":5,"Length":5}]}`)
	f.Add(`{"size":1,"ranges":[{"Offset":-1,"Length":9223372036854775807}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		held, err := reply(200, typeJSON, text).Have(t.Context(), moot.BlobID{})
		if err != nil {
			return
		}
		end := int64(-1)
		for _, r := range held.Ranges {
			if r != r.In(held.Size) || r.Length == 0 && held.Size > 0 || r.Offset <= end {
				t.Fatal(held)
			}
			end = r.End()
		}
	})
}
