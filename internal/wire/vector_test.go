package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// TestVectorsAreBounded: as the body of a request, and as a response.
func TestVectorsAreBounded(t *testing.T) {
	heads := map[moot.Key][]moot.Head{}
	for i := range maxAuthors + 1 {
		heads[moot.Key{byte(i), byte(i >> 8), byte(i >> 16)}] = nil
	}
	for what, v := range map[string]moot.Vector{
		"authors": {Heads: heads},
		"heads":   {Heads: map[moot.Key][]moot.Head{{1}: make([]moot.Head, maxHeads+1)}},
	} {
		if _, err := readQuery(strings.NewReader(string(mustJSON(moot.Query{Since: v})))); moot.KindOf(err) != moot.TooLarge {
			t.Errorf("%s of a query: %v", what, err)
		}
		if _, err := reply(200, typeJSON, string(mustJSON(v))).Vector(t.Context()); moot.KindOf(err) != moot.TooLarge {
			t.Errorf("%s of a response: %v", what, err)
		}
		c := dial(t, Handler(newMemory(), guard{}, Options{}))
		for _, err := range c.Watch(t.Context(), v) {
			if moot.KindOf(err) != moot.TooLarge {
				t.Errorf("%s of a watch: %v", what, err)
			}
			break
		}
	}
	q := fmt.Sprintf(`{"history":true,"ids":[%s]}`, strings.Repeat(`"`+moot.EntryID{}.String()+`",`, moot.MaxIDs)+`"`+moot.EntryID{}.String()+`"`)
	if _, err := readQuery(strings.NewReader(q)); moot.KindOf(err) != moot.TooLarge {
		t.Errorf("IDs of a query: %v", err)
	}
}

// TestQueryArrives: every field of a query that selects from the history.
func TestQueryArrives(t *testing.T) {
	want := moot.Query{
		Author: moot.Key{1}, IDs: []moot.EntryID{{2}, {3}}, History: true, Replica: true, Limit: 7,
		Since: moot.Vector{Heads: map[moot.Key][]moot.Head{{1}: {{Seq: 1 << 60, ID: moot.EntryID{4}}, {Seq: 2}}}, Shown: 5},
	}
	got, err := readQuery(strings.NewReader(string(mustJSON(want))))
	if err != nil || !got.Since.Equal(want.Since) || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
