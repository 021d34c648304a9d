package rules

import (
	"time"
)

// Change is what is to differ from the rule in force for a path; nil: nothing.
type Change struct {
	Prefix         string         `json:"names"`                     // slash separated path; empty: all files
	Copies         *int           `json:"copies,omitempty"`          // devices that hold each file
	RetainFor      *time.Duration `json:"retain_for,omitempty"`      // in nanoseconds: removed versions, and of those replaced one a day
	RetainVersions *int           `json:"retain_versions,omitempty"` // the newest so many of each file, however old
}

// Change returns the rule for a path that differs from the one in force only in what a
// change says. It may make no sense: see Rule.Check.
func (r Rules) Change(c Change) Rule {
	rule := r.For(c.Prefix)
	rule.Prefix = c.Prefix
	if c.Copies != nil {
		rule.Copies = *c.Copies
	}
	if c.RetainFor != nil {
		usual, d := Default().Retention, *c.RetainFor
		rule.Retention.All, rule.Retention.Brief = min(usual.All, d), min(usual.Brief, d)
		rule.Retention.Daily, rule.Retention.Removed = d, d
	}
	if c.RetainVersions != nil {
		rule.Retention.Least = *c.RetainVersions
	}
	return rule
}
