package jobs

import (
	"encoding/json"

	"github.com/mootspace/moot"
)

// Words for who may run a job's tasks, in entries and in JSON, as version 0.1.0 wrote them.
const (
	wordServers = "servers" // the space's servers and the workers beside them
	wordPeers   = "peers"   // members who lend computing power
	wordAll     = "all"
)

func wordOf(via moot.Architecture) string {
	switch {
	case via.Server && via.Peers:
		return wordAll
	case via.Server:
		return wordServers
	case via.Peers:
		return wordPeers
	}
	return ""
}

// viaOf reads what wordOf writes. Kind Invalid.
func viaOf(word string) (moot.Architecture, error) {
	for _, via := range append(moot.Architectures(), moot.Architecture{}) {
		if word == wordOf(via) {
			return via, nil
		}
	}
	return moot.Architecture{}, moot.Errorf(moot.Invalid, "%.40q does not say who may run a job: want servers, peers or all", word)
}

// plainJob has the fields of Job without its methods.
type plainJob Job

// jobJSON replaces the architecture by its word: the outer field hides the inner one.
type jobJSON struct {
	*plainJob
	Pool   string        `json:"pool"`
	Author moot.MemberID `json:"author,omitzero"` // By, as version 0.1.0 wrote it
}

// MarshalJSON implements json.Marshaler.
func (j Job) MarshalJSON() ([]byte, error) {
	return json.Marshal(jobJSON{plainJob: (*plainJob)(&j), Pool: wordOf(j.Via)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (j *Job) UnmarshalJSON(b []byte) error {
	v := jobJSON{plainJob: (*plainJob)(j)}
	err := json.Unmarshal(b, &v)
	if j.By.IsZero() {
		j.By = v.Author
	}
	if err == nil {
		j.Via, err = viaOf(v.Pool)
	}
	return err
}
