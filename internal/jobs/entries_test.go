package jobs

import (
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// alone is a space with one member, whose only device is a key.
func alone(device moot.Key, member moot.MemberID) memberOf {
	return func(k moot.Key) (moot.MemberID, bool) { return member, k == device }
}

func FuzzEntries(f *testing.F) {
	spec, self, member := moot.BlobID{1}, moot.Key{2}, moot.MemberID{3}
	o, err := encode(submission{Spec: spec[:], Coordinator: self[:], Via: wordPeers, Name: "n", As: "jobs/x"})
	if err != nil {
		f.Fatal(err)
	}
	v, err := encode(resultOf(Job{State: Done, Progress: Progress{Workers: map[moot.Key]int{self: 3}, Disagreed: []Disagreement{{self, "t"}}}}))
	if err != nil {
		f.Fatal(err)
	}
	l, err := encode(offer{Terms: Terms{CPUs: 2, Hours: "22:00-06:00", To: []moot.MemberID{member}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{o, v, l} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e := moot.Entry{Key: "abcdefghijklmnop", Author: self, Body: body}
		if o, err := submissionOf(e, alone(self, member)); err == nil {
			j := o.job()
			o.apply(&j, e)
			if len(o.id) != 16 || j.By != member || len(j.Disagreed) > maxNamed || len(j.Workers) > maxNamed {
				t.Errorf("%+v", j)
			}
		}
		known := submittedJob{id: e.Key, coordinator: self}
		j := known.job()
		known.apply(&j, e)
		if j.State != Waiting && !j.State.Ended() {
			t.Errorf("%+v", j)
		}
		e.Key = self.String()
		if o, err := offerOf(e, alone(self, member)); err == nil && (o.Device != self || o.Member != member || o.CPUs > MaxCPUs || o.Check() != nil) {
			t.Errorf("%+v", o)
		}
	})
}

// TestOfferFormat: entries have the map keys and bytes of version 0.1.0, where a member was
// its only device's key.
func TestOfferFormat(t *testing.T) {
	type terms struct {
		CPUs   int           `cbor:"0,keyasint"`
		Memory int64         `cbor:"1,keyasint,omitempty"`
		Wall   time.Duration `cbor:"2,keyasint,omitempty"`
		Hours  string        `cbor:"3,keyasint,omitempty"`
		To     []moot.Key    `cbor:"4,keyasint,omitempty"`
	}
	type old struct {
		Terms  terms    `cbor:"0,keyasint"`
		Server bool     `cbor:"1,keyasint,omitempty"`
		Addrs  []string `cbor:"2,keyasint,omitempty"`
		Zone   int      `cbor:"3,keyasint,omitempty"`
	}
	ann, bob := moot.Key{1}, moot.Key{2}
	before, err := encode(old{terms{2, 1 << 30, time.Hour, "22:00-06:00", []moot.Key{bob}}, true, []string{"https://a"}, 3600})
	if err != nil {
		t.Fatal(err)
	}
	o, err := offerOf(moot.Entry{Key: ann.String(), Author: ann, Body: before}, alone(ann, moot.MemberID(ann)))
	if err != nil || o.Device != ann || o.Member != moot.MemberID(ann) || len(o.To) != 1 || o.To[0] != moot.MemberID(bob) {
		t.Fatalf("%+v, %v", o, err)
	}
	if after, err := encode(offer{o.Terms, o.Server, o.Addrs, o.Zone}); err != nil || string(after) != string(before) {
		t.Errorf("%x, was %x, %v", after, before, err)
	}
	if _, err := offerOf(moot.Entry{Key: bob.String(), Author: bob, Body: before}, alone(ann, moot.MemberID(ann))); moot.KindOf(err) != moot.Stranger {
		t.Errorf("an offer of a stranger: %v", err)
	}
	if _, err := offerOf(moot.Entry{Key: bob.String(), Author: ann, Body: before}, alone(ann, moot.MemberID(ann))); moot.KindOf(err) != moot.Invalid {
		t.Errorf("an offer for another device: %v", err)
	}
}

func TestTerms(t *testing.T) {
	ann, bob := moot.MemberID{1}, moot.MemberID{2}
	at := func(hour, minute int) time.Time { return time.Date(2026, 1, 2, hour, minute, 0, 0, time.UTC) }
	night := Terms{CPUs: 1, Hours: "22:00-06:00"}
	for name, c := range map[string]struct {
		terms Terms
		now   time.Time
		want  bool
	}{
		"nothing":            {Terms{}, at(1, 0), false},
		"always":             {Terms{CPUs: 1}, at(1, 0), true},
		"to others":          {Terms{CPUs: 1, To: []moot.MemberID{bob}}, at(1, 0), false},
		"to her":             {Terms{CPUs: 1, To: []moot.MemberID{bob, ann}}, at(1, 0), true},
		"before the night":   {night, at(21, 59), false},
		"begin of the night": {night, at(22, 0), true},
		"after midnight":     {night, at(5, 59), true},
		"morning":            {night, at(6, 0), false},
		"by day":             {Terms{CPUs: 1, Hours: "09:30-17:00"}, at(9, 29), false},
		"at work":            {Terms{CPUs: 1, Hours: "09:30-17:00"}, at(9, 30), true},
	} {
		if err := c.terms.Allow(ann, c.now); (err == nil) != c.want || err != nil && moot.KindOf(err) != moot.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, hours := range []string{"x", "22-6", "25:00-06:00", "06:00-06:00", "06:00", "06:00-"} {
		if err := (Terms{CPUs: 1, Hours: hours}).Check(); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%q: %v", hours, err)
		}
	}
	there := Offer{Terms: night, Zone: 2 * 3600}
	if !there.Open(ann, at(20, 30)) || there.Open(ann, at(19, 30)) {
		t.Error("hours are not those of the lender")
	}
}

func TestLenders(t *testing.T) {
	server, posing, peer := moot.Key{1}, moot.Key{2}, moot.Key{3}
	offers := []Offer{{Device: server, Server: true, Terms: Terms{CPUs: 1}}, {Device: posing, Server: true, Terms: Terms{CPUs: 9}}, {Device: peer, Terms: Terms{CPUs: 1}}}
	for via, want := range map[moot.Architecture][]moot.Key{{Server: true}: {server}, {Peers: true}: {peer}, {Server: true, Peers: true}: {server, peer}} {
		var got []moot.Key
		for _, o := range Lenders(offers, moot.MemberID{9}, via, func(k moot.Key) bool { return k == server }, time.Now()) {
			got = append(got, o.Device)
		}
		if len(got) != len(want) || got[0] != want[0] {
			t.Errorf("%s: %v", via, got)
		}
	}
}
