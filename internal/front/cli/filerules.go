package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/rules"
)

// fileRules are the flags about files, for all members: how many devices hold each, and how
// long old versions are retained.
type fileRules struct {
	copies, versions int
	age              time.Duration
	withdraw         bool
}

var ruleFlags = []string{"copies", "retain-for", "retain-versions", "withdraw"}

func (o *fileRules) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&o.copies, "copies", 0, "for all members: have `N` devices hold each file (below --names)")
	spanVar(f, &o.age, "retain-for", 0, "for all members: retain removed and replaced versions for the `TIME`, as 30d")
	f.IntVar(&o.versions, "retain-versions", 0, "for all members: retain the newest `N` versions of each file, however old")
	f.BoolVar(&o.withdraw, "withdraw", false, "for all members: end the rule about files (below --names)")
	for _, flag := range ruleFlags[:3] {
		c.MarkFlagsMutuallyExclusive(flag, "withdraw")
	}
}

// given reports whether a rule is to change. Kind Invalid if preferences are, too.
func (o *fileRules) given(c *cobra.Command) (bool, error) {
	rule, other := "", ""
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case !f.Changed || f.Name == "names":
		case slices.Contains(ruleFlags, f.Name):
			rule = f.Name
		default:
			other = f.Name
		}
	})
	if rule != "" && other != "" {
		return false, moot.Errorf(moot.Invalid, "--%s is a rule for all members, --%s about this node: give them one after the other", rule, other)
	}
	return rule != "", nil
}

// changeRules changes or ends the rule for each of the paths that were given, and shows
// the rules in force.
func (a *commandLine) changeRules(ctx context.Context, c *cobra.Command, s *app.Session, o nodePolicy) error {
	if len(o.names) == 0 {
		o.names = []string{""}
	}
	for _, path := range o.names {
		path = strings.TrimRight(path, "/")
		var err error
		if o.rules.withdraw {
			err = s.Copies.EndRule(ctx, path)
		} else {
			_, err = s.Copies.SetRule(ctx, o.rules.change(c, path))
		}
		if err != nil {
			return err
		}
	}
	list, err := s.Copies.Rules(ctx)
	if err != nil {
		return err
	}
	if a.json {
		a.print(map[string][]rules.Rule{"rules": append([]rules.Rule{}, list...)}) // not null
		return nil
	}
	a.table("", ruleRows(list))
	return nil
}

// change returns what the flags say of the rule for a path.
func (o *fileRules) change(c *cobra.Command, path string) rules.Change {
	change, given := rules.Change{Prefix: path}, c.Flags().Changed
	if given("copies") {
		change.Copies = &o.copies
	}
	if given("retain-for") {
		change.RetainFor = &o.age
	}
	if given("retain-versions") {
		change.RetainVersions = &o.versions
	}
	return change
}

// lentSpace reads how many bytes are lent for copies: a size, or none.
func lentSpace(text string) (int64, error) {
	if text == "none" {
		return -1, nil
	}
	return parseSize(text)
}

// lends words how many bytes are lent for copies.
func lends(p policy.Preferences) string {
	switch {
	case p.Space < 0:
		return "nothing for copies of files"
	case p.Space == 0:
		return "10.0 GiB for copies of files"
	}
	return size(p.Space) + " for copies of files"
}

// shownPolicy is what --json prints: a node's preferences, and the space's rules.
type shownPolicy struct {
	policy.Preferences
	Rules []rules.Rule `json:"rules,omitempty"` // in force, about files
}

// ruleRows words the rules in force, that for all files first.
func ruleRows(list []rules.Rule) (rows [][]string) {
	if len(list) == 0 || list[0].Prefix != "" {
		list = slices.Insert(slices.Clone(list), 0, rules.Default())
	}
	for _, r := range list {
		copies := "1 copy"
		if r.Copies != 1 {
			copies = fmt.Sprintf("%d copies", r.Copies)
		}
		where := "all"
		if r.Prefix != "" {
			where = "at and below " + name(r.Prefix)
		}
		rows = append(rows, []string{"files", where + ": " + copies + ", " + oldVersions(r)})
	}
	return rows
}

// oldVersions words how long old versions are retained.
func oldVersions(r rules.Rule) string {
	replaced, removed := span(max(r.Retention.All, r.Retention.Daily)), span(r.Retention.Removed)
	var words []string
	if replaced > 0 {
		words = append(words, "old versions for "+replaced.String())
	}
	if removed > 0 && removed != replaced {
		words = append(words, "removed files for "+removed.String())
	}
	if r.Retention.Least > 1 {
		words = append(words, fmt.Sprintf("the newest %d of each file", r.Retention.Least))
	}
	if len(words) == 0 {
		return "no old versions"
	}
	return strings.Join(words, ", ")
}
