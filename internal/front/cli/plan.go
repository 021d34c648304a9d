package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/plan"
)

// sketch is a group as it is described on the command line.
type sketch struct {
	plan.Group
	members                              int
	size, up, down, serverUp, serverDown string
	sourceUp                             string
}

func (a *commandLine) planCommand() *cobra.Command {
	var s sketch
	c := &cobra.Command{
		Use:   "plan",
		Short: "Tell by formulas what each architecture can give a group, and which to choose",
		Long: `Tell, by formulas alone, what client-server, peer-to-peer and hybrid can give a group
in which one member shares a file with the others: how soon, what it costs whom, what
is still there when nodes are away, who decides. Nothing is asked, started or measured:
the figures are limits, and 'moot compare' measures. docs/plan.md has the formulas.

Rates are in Mbit/s of payload, or 'unlimited'. --up and --down take one rate for all
members, or classes as 5x10,10x30,5x80: five members with 10, ten with 30, five with 80.
Classes of both are lined up member by member.`,
		Example: `  moot plan --members 20 --size 700MB --up 50 --down 200 --server-up 1000
  moot plan --up 5x10,10x30,5x80 --down 200 --size 4GiB --source-up 10
  moot plan --members 8 --servers 0 --online 0.3 --copies 6
  moot plan --members 100 --at-server --control --server-online 0.999
  moot plan --members 20 --copies 10 --pieces 4 --lifetime 90d --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := s.plan(c)
			if err != nil {
				a.parsed = false // whatever is wrong here is the command line
				return err
			}
			a.showPlan(s.Group, p)
			return nil
		},
	}
	s.flags(c)
	return c
}

func (s *sketch) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&s.members, "members", 20, "`N` members who fetch the file, besides the one who shares it")
	f.StringVar(&s.size, "size", "700MB", "`BYTES` of the file, as 700MB (10⁶) or 700MiB (2²⁰)")
	f.StringVar(&s.up, "up", "50", "a member's uplink in `Mbit/s`, or classes as 5x10,15x30")
	f.StringVar(&s.down, "down", "200", "a member's downlink in `Mbit/s`, or classes")
	f.StringVar(&s.sourceUp, "source-up", "", "uplink in `Mbit/s` of the member who shares (default: the members' mean)")
	f.BoolVar(&s.AtServer, "at-server", false, "the file is where the server is, and need not be brought there")
	f.IntVar(&s.Servers, "servers", 1, "`N` servers; 0 if there is none")
	f.StringVar(&s.serverUp, "server-up", "1000", "a server's uplink in `Mbit/s`")
	f.StringVar(&s.serverDown, "server-down", "", "a server's downlink in `Mbit/s` (default: as its uplink)")
	f.Float64Var(&s.Online, "online", 0.5, "`probability` that a member's node is online")
	f.Float64Var(&s.ServerOnline, "server-online", 0.99, "`probability` that a server is online")
	f.Float64Var(&s.Target, "target", 0.999, "`probability` wanted that the file can be fetched")
	f.IntVar(&s.Copies, "copies", 4, "`N` members keep a copy for others, the one who shares among them")
	f.IntVar(&s.Pieces, "pieces", 1, "any `N` copies suffice, as with an erasure code (Moot itself keeps whole ones)")
	spanVar(f, &s.Lifetime, "lifetime", 30*day, "mean `TIME` for which a member stays, as 12h, 30d or 1y")
	f.BoolVar(&s.Control, "control", false, "one place must decide at once who may do what and which version counts")
}

// plan reads the words that describe the group, and has it answered.
func (s *sketch) plan(c *cobra.Command) (plan.Plan, error) {
	given := c.Flags().Changed
	for _, read := range []func() error{
		func() (err error) { s.Size, err = parseBytes(s.size); return err },
		func() error { return s.readMembers(given("members")) },
		s.readSource,
		s.readServer,
	} {
		if err := read(); err != nil {
			return plan.Plan{}, err
		}
	}
	if !given("copies") { // a small group has room for fewer
		s.Copies = max(s.Pieces, min(s.Copies, len(s.Members)+1))
	}
	return plan.Make(s.Group)
}

// readMembers lines up the classes of uplinks and downlinks.
func (s *sketch) readMembers(counted bool) error {
	up, err := parseClasses("--up", s.up)
	if err != nil {
		return err
	}
	down, err := parseClasses("--down", s.down)
	if err != nil {
		return err
	}
	n := s.members
	for _, list := range []struct {
		flag string
		*classes
	}{{"--up", &up}, {"--down", &down}} {
		if list.count == 0 {
			continue
		}
		if counted && list.count != n {
			return moot.Errorf(moot.Invalid, "%s describes %d members, and there are %d: make both agree, or leave out --members", list.flag, list.count, n)
		}
		n, counted = list.count, true
	}
	if n < 1 || n > maxPlanned {
		return moot.Errorf(moot.Invalid, "a group of %d members: want 1 to %d who fetch the file", n, maxPlanned)
	}
	ups, downs := up.each(n), down.each(n)
	s.Members = make([]plan.Link, n)
	for i := range n {
		s.Members[i] = plan.Link{Up: ups[i], Down: downs[i]}
	}
	return nil
}

// readSource gives the one who shares a link like the others', unless told.
func (s *sketch) readSource() (err error) {
	if s.sourceUp != "" {
		s.Source.Up, err = parseRate("--source-up", s.sourceUp)
		return err
	}
	if slices.ContainsFunc(s.Members, func(l plan.Link) bool { return l.Up == 0 }) {
		return nil // unlimited, as some of them
	}
	for _, m := range s.Members {
		s.Source.Up += m.Up / float64(len(s.Members))
	}
	return nil
}

func (s *sketch) readServer() (err error) {
	if s.Server.Up, err = parseRate("--server-up", s.serverUp); err != nil {
		return err
	}
	s.Server.Down = s.Server.Up
	if s.serverDown != "" {
		s.Server.Down, err = parseRate("--server-down", s.serverDown)
	}
	return err
}
