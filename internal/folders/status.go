package folders

import (
	"slices"
	"strings"
)

// State of a folder.
type State string

// States of a folder.
const (
	Idle    State = "in step"
	Busy    State = "at work"
	Waiting State = "waiting" // for files that are being written, or holders that are away
	Paused  State = "paused"
	Away    State = "away" // the directory is not there
)

// Status of a folder.
type Status struct {
	Dir      string    `json:"dir"`
	Name     string    `json:"name"` // in the space
	State    State     `json:"state"`
	Why      string    `json:"why,omitempty"` // it is away
	ReadOnly bool      `json:"read_only,omitempty"`
	Except   []string  `json:"except,omitempty"`
	Files    int       `json:"files"` // names in step
	Bytes    int64     `json:"bytes"`
	ToSend   int       `json:"to_send"`
	ToFetch  int       `json:"to_fetch"`
	Changed  []string  `json:"changed,omitempty"`  // here, in a read-only folder; at most 100
	Problems []Problem `json:"problems,omitempty"` // at most 100, by path
	Failing  int       `json:"failing"`            // all problems
}

// maxListed bounds what a status lists.
const maxListed = 100

// snapshot returns what is known now.
func (f *folder) snapshot(state State, why string) *Status {
	s := &Status{
		Dir: f.stored.dir, Name: f.settings.Name, State: state, Why: why, ReadOnly: f.settings.ReadOnly, Except: f.settings.Except,
		Files: f.local.count, Bytes: f.local.bytes, ToSend: len(f.todo), ToFetch: f.progress.wanted, Failing: len(f.problems),
	}
	for _, p := range f.problems {
		s.Problems = append(s.Problems, *p)
	}
	slices.SortFunc(s.Problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	s.Problems = s.Problems[:min(len(s.Problems), maxListed)]
	if f.settings.ReadOnly {
		for n := range f.todo {
			s.Changed = append(s.Changed, n.path())
		}
		slices.Sort(s.Changed)
		s.ToSend, s.Changed = 0, s.Changed[:min(len(s.Changed), maxListed)]
	}
	return s
}

// publishStatus lets others see how far the folder is.
func (f *folder) publishStatus() { f.status.Store(f.snapshot(Busy, "")) }

// settled returns the state after a pass that had nothing more to do.
func (f *folder) resting() State {
	if f.progress.wanted > 0 || len(f.todo) > 0 && !f.settings.ReadOnly {
		return Waiting
	}
	return Idle
}
