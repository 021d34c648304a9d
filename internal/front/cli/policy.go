package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/rules"
)

// nodePolicy are the flags of the command policy.
type nodePolicy struct {
	deny, allow, names []string
	messages           messagePolicy
	rules              fileRules
}

func (a *commandLine) policyCommand() *cobra.Command {
	var o nodePolicy
	c := &cobra.Command{
		Use:   "policy [--deny NAME] [--allow NAME] [--names PREFIX,…] [--rate BYTES] [--download-rate BYTES] [--copies N]",
		Short: "Show or change what this node serves, to whom, how fast; and the rules about files",
		Long: `Show or change this node's preferences: which members it does not serve, which
names it serves (all, unless prefixes are given), how fast it sends and receives blobs,
and what it holds for others: messages for members who are away.

With --copies, --retain-for, --retain-versions or --withdraw change a rule instead, which
holds for all members: how many devices hold each file at and below the paths that --names
gives (all files, if it gives none), and how long its old versions stay. Owners and admins
state rules; of several the one for the longest path holds. What is not said stays as it is.`,
		Example: "  moot policy\n  moot policy --deny bob --rate 2M --download-rate 5M\n  moot policy --names public/,photos/\n  moot policy --names '' --rate 0 --allow bob\n" +
			"  moot policy --copies 3\n  moot policy --names photos --copies 5 --retain-for 1y --retain-versions 20\n  moot policy --names photos --withdraw",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			rule, err := o.rules.given(c)
			if err != nil {
				return err
			}
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if rule {
					return a.changeRules(ctx, c, s, o)
				}
				return a.changePreferences(ctx, c, s, o)
			})
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.deny, "deny", nil, "do not serve the member `NAME`")
	f.StringArrayVar(&o.allow, "allow", nil, "serve the member `NAME` again")
	f.StringSliceVar(&o.names, "names", nil, "serve only names that start with one of these `PREFIXES`, '' for all; or the paths for which a rule about files is")
	f.String("rate", "", "send at most so many `BYTES` a second (as 500K or 2M); 0 for no limit")
	f.String("download-rate", "", "receive at most so many `BYTES` of blobs a second; 0 for no limit")
	f.String("space", "", "lend so many `BYTES` for copies of files that others wrote (as 50G), or none; 0 for the default")
	o.messages.flags(c)
	o.rules.flags(c)
	return c
}

// changePreferences sets those whose flags were given, and shows them and the rules.
func (a *commandLine) changePreferences(ctx context.Context, c *cobra.Command, s *app.Session, o nodePolicy) error {
	p, err := s.Control.Preferences(ctx)
	if err != nil {
		return err
	}
	for flag, rate := range map[string]*int64{"rate": &p.UploadRate, "download-rate": &p.DownloadRate} {
		if f := c.Flags().Lookup(flag); f.Changed {
			if *rate, err = parseSize(f.Value.String()); err != nil {
				return err
			}
		}
	}
	if f := c.Flags().Lookup("space"); f.Changed {
		if p.Space, err = lentSpace(f.Value.String()); err != nil {
			return err
		}
	}
	if err := o.messages.apply(c, &p); err != nil {
		return err
	}
	if c.Flags().Changed("names") {
		p.Names = slices.DeleteFunc(o.names, func(s string) bool { return s == "" })
	}
	if err := a.setDenied(ctx, s, &p, o.deny, o.allow); err != nil {
		return err
	}
	if changesAny(c) {
		if err := s.Control.SetPreferences(ctx, p); err != nil {
			return err
		}
	}
	list, err := s.Copies.Rules(ctx)
	if err != nil {
		return err
	}
	a.showPolicy(ctx, s, p, list)
	return nil
}

// changesAny reports whether a flag of the command's own was given.
func changesAny(c *cobra.Command) bool {
	changed := false
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { changed = changed || f.Changed })
	return changed
}

func (a *commandLine) setDenied(ctx context.Context, s *app.Session, p *policy.Preferences, deny, allow []string) error {
	for _, n := range deny {
		m, err := s.Members.Lookup(ctx, n)
		if err != nil {
			return err
		}
		if !slices.Contains(p.Deny, m.ID) {
			p.Deny = append(p.Deny, m.ID)
		}
	}
	for _, n := range allow {
		m, err := s.Members.Lookup(ctx, n)
		if err != nil {
			return err
		}
		p.Deny = slices.DeleteFunc(p.Deny, func(id moot.MemberID) bool { return id == m.ID })
	}
	return nil
}

func (a *commandLine) showPolicy(ctx context.Context, s *app.Session, p policy.Preferences, list []rules.Rule) {
	if a.json {
		a.print(shownPolicy{p, list})
		return
	}
	who := a.names(ctx, s)
	denied := make([]string, len(p.Deny))
	for i, id := range p.Deny {
		denied[i] = name(who.member(id))
	}
	served := "all names"
	if len(p.Names) > 0 {
		served = "names below " + strings.Join(p.Names, ", ")
	}
	rows := [][]string{{"serves", name(served)}, {"to", "members" + butNot(denied)}, {"sends", limit(p.UploadRate)}, {"receives", limit(p.DownloadRate)}, {"lends", lends(p)},
		{"holds", heldMessages(p)}, {"keeps", retention(p)}, {"reading", readReceipts(p)}, {"jobs", jobRetention(p)}}
	a.table("", append(rows, ruleRows(list)...))
}

func limit(rate int64) string {
	if rate == 0 {
		return "no limit"
	}
	return "at most " + size(rate) + "/s"
}

func butNot(denied []string) string {
	if len(denied) == 0 {
		return ""
	}
	return " but not " + strings.Join(denied, ", ")
}

// parseSize reads a number of bytes with an optional unit: K, M or G (powers of
// 1024), KB, MB or GB (powers of 1000), as dd(1) has them.
func parseSize(s string) (int64, error) {
	number, unit := s, int64(1)
	for i, u := range []string{"K", "M", "G"} {
		upper := strings.ToUpper(s)
		if n, ok := strings.CutSuffix(upper, u); ok {
			number, unit = n, 1<<(10*(i+1))
		}
		if n, ok := strings.CutSuffix(upper, u+"B"); ok {
			number, unit = n, []int64{1e3, 1e6, 1e9}[i]
		}
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v < 0 || v > 1<<50/unit {
		return 0, moot.Errorf(moot.Invalid, "%q is no number of bytes: want one as 500K, 2M, 64MB or 1000000", s)
	}
	return v * unit, nil
}
