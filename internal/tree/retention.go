package tree

import (
	"iter"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// Retention says how long replaced and removed versions stay available.
type Retention struct {
	All     time.Duration `json:"all"`     // every version is retained for so long
	Daily   time.Duration `json:"daily"`   // then one a day for so long
	Least   int           `json:"least"`   // the newest so many of each item, however old, while it is in force
	Removed time.Duration `json:"removed"` // versions of removed items
	Brief   time.Duration `json:"brief"`   // those replaced within a minute by the same author, and no longer than this
}

// briefly is how soon an author's next version must come to make the one before it brief.
const briefly = time.Minute

// DefaultRetention is what holds unless a policy says otherwise.
func DefaultRetention() Retention {
	const day = 24 * time.Hour
	return Retention{All: day, Daily: 30 * day, Least: 10, Removed: 30 * day, Brief: time.Hour}
}

// Needed yields the blobs of all versions in force, and of those replaced and removed that
// a retention keeps at a time; rule returns the retention of a path. The path of a removed
// item is where it was last. A blob may come several times.
func (t *Tree) Needed(now time.Time, rule func(path string) Retention) iter.Seq2[moot.Blob, bool] {
	return func(yield func(moot.Blob, bool) bool) { // bool: in force
		for _, n := range t.nodes {
			if n.kind != File {
				continue
			}
			for _, s := range n.current {
				if !yield(s.Blob, true) {
					return
				}
			}
			if n.past == nil || len(n.past.replaced) == 0 {
				continue
			}
			for s := range n.retained(now, rule(n.lastPath())) {
				if !yield(s.Blob, false) {
					return
				}
			}
		}
	}
}

// lastPath returns where an item is, or was last, by the names of its folders.
func (n *node) lastPath() (path string) {
	for levels := 0; n.parent != nil && levels < MaxLevels; n = n.parent {
		if path = n.name + "/" + path; len(path) > MaxPath {
			break
		}
		levels++
	}
	return path[:max(len(path)-1, 0)]
}

// retained yields the versions that are not in force and still retained.
func (n *node) retained(now time.Time, r Retention) iter.Seq[*statement] {
	replaced := slices.Clone(n.past.replaced)
	slices.SortFunc(replaced, newestFirst)
	return func(yield func(*statement) bool) {
		least, days := 0, map[string]bool{}
		if len(n.current) > 0 {
			least = r.Least - len(n.current)
		}
		for _, s := range replaced {
			age := now.Sub(s.end.source.time.Wall())
			retain := age < r.All || s.removed && age < r.Removed
			if s.brief() {
				retain = age < r.Brief
			} else {
				day := s.source.time.Wall().UTC().Format(time.DateOnly)
				retain = retain || least > 0 || age < r.Daily && !days[day]
				days[day] = true
				least--
			}
			if retain && !yield(s) {
				return
			}
		}
	}
}

// brief reports whether an author replaced its own version at once.
func (s *statement) brief() bool {
	by := s.end.source
	return !s.removed && by.author == s.source.author && by.time.Wall().Sub(s.source.time.Wall()) <= briefly
}
