package accounts

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/seal"
)

// unfinished is a state with the join of a device, and that device.
func unfinished(t testing.TB, space moot.SpaceID) (records, moot.Key) {
	t.Helper()
	key := seal.FromSeed([32]byte{1})
	l := members.Link{Version: 2, Space: space, Expires: 1 << 40, Seed: [32]byte{2}, Invite: moot.EntryID{3}}
	e, err := members.Enter(l, key, "eve", "server", func() time.Time { return time.Unix(1_800_000_000, 0) })
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[moot.Key]pendingJoin{seal.Public(key): {Link: l.String(), Entry: feed.Encode(e)}})
	if err != nil {
		t.Fatal(err)
	}
	return records{joinsFile: b}, seal.Public(key)
}

func TestJoinsOfAnother(t *testing.T) {
	space := moot.SpaceID{1}
	state, key := unfinished(t, space)
	j, err := openJoins(state, space, map[moot.Key]*device{key: {}})
	if err != nil || len(j.known) != 1 {
		t.Errorf("its own: %+v, %v", j, err)
	}
	for name, c := range map[string]struct {
		space moot.SpaceID
		key   moot.Key
	}{"another space": {moot.SpaceID{2}, key}, "another device": {space, moot.Key{1}}} {
		if _, _, err := j.known[key].decode(c.space, c.key); moot.KindOf(err) != moot.Corrupt {
			t.Errorf("%s: %v", name, err)
		}
	}
	if j, err = openJoins(state, space, nil); err != nil || len(j.known) != 0 || string(state[joinsFile]) != "{}" {
		t.Errorf("without a key: %+v, %v", j, err)
	}
}

func FuzzJoins(f *testing.F) {
	space := moot.SpaceID{1}
	state, key := unfinished(f, space)
	f.Add(state[joinsFile])
	f.Add([]byte(`{"` + key.String() + `":{"link":"moot://","entry":"AA=="}}`))
	f.Add([]byte(`{}`))
	kept := map[moot.Key]*device{key: {}}
	f.Fuzz(func(t *testing.T, file []byte) {
		j, err := openJoins(records{joinsFile: file}, space, kept)
		if err != nil {
			return
		}
		for k, p := range j.known {
			_, e, err := p.decode(space, k)
			if err != nil || k != key || e.Author != key || e.Space != space {
				t.Errorf("took the join %+v of %s: %v", e, k.Short(), err)
			}
		}
	})
}
