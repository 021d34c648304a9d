package jobs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

var words = map[string]moot.Architecture{"servers": {Server: true}, "peers": {Peers: true}, "all": {Server: true, Peers: true}}

// TestJobJSON: version 0.1.0 stores jobs in the queue, and sends them, with these words.
func TestJobJSON(t *testing.T) {
	for word, via := range words {
		text, err := json.Marshal([]Job{{ID: "abc", Via: via, State: Running, Progress: Progress{Tasks: 3, Backups: 1, Disagreed: []Disagreement{{Task: "t"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{`"pool":"` + word + `"`, `"id":"abc"`, `"tasks":3`, `"again":1`, `"disagreed":[`} {
			if strings.Count(string(text), part) != 1 {
				t.Errorf("%s is not once in %s", part, text)
			}
		}
		var got []Job
		if err := json.Unmarshal(text, &got); err != nil || got[0].Via != via || got[0].Tasks != 3 || got[0].State != Running {
			t.Errorf("%s: %+v, %v", word, got, err)
		}
	}
	ann := moot.MemberID{1}
	for _, name := range []string{"by", "author"} { // author is what version 0.1.0 wrote
		var j Job
		if err := json.Unmarshal([]byte(`{"pool":"all","`+name+`":"`+ann.String()+`"}`), &j); err != nil || j.By != ann {
			t.Errorf("%s: %+v, %v", name, j, err)
		}
	}
	var j Job
	if err := json.Unmarshal([]byte(`{"pool":"everybody"}`), &j); moot.KindOf(err) != moot.Invalid {
		t.Errorf("%+v, %v", j, err)
	}
}

// TestSubmissionFormat: entries have the map keys and words of version 0.1.0.
func TestSubmissionFormat(t *testing.T) {
	type old struct {
		Spec        []byte `cbor:"0,keyasint"`
		Coordinator []byte `cbor:"1,keyasint"`
		Pool        string `cbor:"2,keyasint"`
		Name        string `cbor:"3,keyasint"`
		As          string `cbor:"4,keyasint"`
		Cancelled   bool   `cbor:"5,keyasint,omitempty"`
		Round       uint   `cbor:"6,keyasint,omitempty"`
		At          int64  `cbor:"7,keyasint"`
	}
	spec, coordinator := make([]byte, 32), make([]byte, 32)
	device, member := moot.Key{1}, moot.MemberID{2}
	for word, via := range words {
		before, err := encode(old{spec, coordinator, word, "n", "jobs/x", true, 2, 3})
		if err != nil {
			t.Fatal(err)
		}
		after, err := encode(submission{spec, coordinator, wordOf(via), "n", "jobs/x", true, 2, 3, 0})
		if err != nil || string(before) != string(after) {
			t.Errorf("%s: %x, was %x, %v", word, after, before, err)
		}
		o, err := submissionOf(moot.Entry{Key: "abcdefghijklmnop", Author: device, Body: before}, alone(device, member))
		if err != nil || o.job().Via != via || o.job().By != member {
			t.Errorf("%s: %+v, %v", word, o, err)
		}
	}
	for _, word := range []string{"", "server", "both"} {
		body, err := encode(old{Spec: spec, Coordinator: coordinator, Pool: word})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := submissionOf(moot.Entry{Key: "abcdefghijklmnop", Author: device, Body: body}, alone(device, member)); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%q: %v", word, err)
		}
	}
}

// FuzzJob: what is read of a job's JSON is written the same.
func FuzzJob(f *testing.F) {
	f.Add(`{"id":"k3f","pool":"peers","state":"done","tasks":3,"done":3,"workers":{},"disagreed":[{"task":"a"}]}`)
	f.Add(`{"pool":"all","pool":"","result":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var j, again Job
		if json.Unmarshal([]byte(text), &j) != nil {
			return
		}
		first, err := json.Marshal(j)
		if err != nil {
			return // a time that JSON cannot express
		}
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second, err := json.Marshal(again); err != nil || string(first) != string(second) {
			t.Fatalf("%s\n%s: %v", first, second, err)
		}
	})
}
