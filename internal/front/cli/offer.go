package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/policy"
)

func (a *commandLine) offerCommand() *cobra.Command {
	var o lending
	c := &cobra.Command{
		Use:   "offer [--cpus N] [--memory BYTES] [--hours FROM-TO] [--to NAME…]",
		Short: "Lend this node's computing power to members, or show who lends",
		Long: `Lend computing power of this node, while it runs, to members of the space: how many tasks
at once, how much memory and time for each, at what hours, to whom. With --when-idle tasks
wait while other programs use more than a quarter of the processors, and a minute longer;
with --share they run for that part of the time only. Without flags, show who lends. A
server lends all its processors unless --cpus says otherwise.`,
		Example: "  moot offer --cpus 2 --memory 512M\n  moot offer --hours 22:00-06:00 --to ann\n  moot offer --when-idle --share 50\n  moot offer --cpus 0       take it back",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if !changesAny(c) {
					return a.showOffers(ctx, s)
				}
				w, err := s.Control.Preferences(ctx)
				if err != nil {
					return err
				}
				if err := o.apply(ctx, s, c, &w); err != nil {
					return err
				}
				if err := s.Control.SetPreferences(ctx, w); err != nil {
					return err
				}
				return a.showOffers(ctx, s)
			})
		},
	}
	o.flags(c)
	return c
}

// lending is what the flags of `moot offer` say.
type lending struct {
	cpus, share         int
	memory, disk, hours string
	wall                time.Duration
	to                  []string
	idle                bool
}

func (o *lending) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&o.cpus, "cpus", 0, "run `N` tasks at once; 0 to lend nothing")
	f.StringVar(&o.memory, "memory", "", "a task may use so many `BYTES` of memory (default 512M)")
	f.StringVar(&o.disk, "disk", "", "keep so many `BYTES` of inputs and outputs for later (default 4G)")
	spanVar(f, &o.wall, "time", 0, "a task may run for this `TIME` (default 1h)")
	f.StringVar(&o.hours, "hours", "", "only `FROM-TO`, as 22:00-06:00; '' for always")
	f.BoolVar(&o.idle, "when-idle", false, "only while other programs do not use the processors; --when-idle=false for always")
	f.IntVar(&o.share, "share", 0, "run tasks for `PERCENT` of the time (1 to 100)")
	f.StringArrayVar(&o.to, "to", nil, "only to the member `NAME`; '' for all")
}

// apply sets the preferences whose flags were given.
func (o *lending) apply(ctx context.Context, s *app.Session, c *cobra.Command, w *policy.Preferences) (err error) {
	given := c.Flags().Changed
	if given("cpus") {
		if w.LendCPUs = o.cpus; o.cpus <= 0 {
			w.LendCPUs = -1 // chosen, as opposed to the default
		}
	}
	for _, one := range []struct {
		flag, text string
		n          *int64
	}{{"memory", o.memory, &w.LendMemory}, {"disk", o.disk, &w.LendDisk}} {
		if given(one.flag) {
			if *one.n, err = parseSize(one.text); err != nil {
				return err
			}
		}
	}
	if given("time") {
		w.LendWall = int64(o.wall.Seconds())
	}
	if given("hours") {
		w.LendHours = o.hours
	}
	if given("when-idle") {
		w.LendIdle = o.idle
	}
	if given("share") {
		if w.LendShare = o.share; o.share < 1 || o.share > 100 {
			return moot.Errorf(moot.Invalid, "--share is %d: want 1 to 100", o.share)
		}
	}
	if given("to") {
		if err := o.lendTo(ctx, s, w); err != nil {
			return err
		}
	}
	return jobs.Terms{CPUs: max(w.LendCPUs, 0), Memory: w.LendMemory, Wall: time.Duration(w.LendWall) * time.Second, Hours: w.LendHours}.Check()
}

// lendTo sets the members to whom is lent.
func (o *lending) lendTo(ctx context.Context, s *app.Session, w *policy.Preferences) error {
	w.LendTo = nil
	for _, n := range o.to {
		if n == "" {
			continue
		}
		m, err := s.Members.Lookup(ctx, n)
		if err != nil {
			return err
		}
		w.LendTo = append(w.LendTo, m.ID)
	}
	return nil
}

func (a *commandLine) showOffers(ctx context.Context, s *app.Session) error {
	list, err := s.Jobs.Offers(ctx)
	if err != nil {
		return err
	}
	if a.json {
		for _, o := range list {
			a.print(o)
		}
		return nil
	}
	if len(list) == 0 {
		a.say("nobody lends computing power: 'moot offer --cpus 2' lends this node's")
		return nil
	}
	who := a.names(ctx, s)
	var rows [][]string
	for _, o := range list {
		rows = append(rows, []string{name(who.device(o.Device)), fmt.Sprint(o.CPUs), memoryOf(o), hoursOf(o), toWhom(o, who), kindOf(o)})
	}
	a.table("WHO\tCPUS\tMEMORY\tHOURS\tTO\t", rows)
	return nil
}

func memoryOf(o jobs.Offer) string {
	if o.Memory == 0 {
		return "512.0 MiB"
	}
	return size(o.Memory)
}

func hoursOf(o jobs.Offer) string {
	hours := "always"
	if o.Hours != "" {
		hours = name(o.Hours)
	}
	if o.Idle {
		hours += ", when idle"
	}
	return hours
}

func toWhom(o jobs.Offer, who names) string {
	if len(o.To) == 0 {
		return "all"
	}
	var names []string
	for _, id := range o.To {
		names = append(names, name(who.member(id)))
	}
	return strings.Join(names, ", ")
}

func kindOf(o jobs.Offer) string {
	kind := recordOf(o)
	if o.Server {
		kind = strings.TrimSuffix("server, "+kind, ", ")
	}
	return kind
}
