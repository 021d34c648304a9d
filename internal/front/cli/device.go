package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

func (a *commandLine) deviceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "device",
		Short: "Use the space from several devices: add, list, rename and remove them",
		Long: `A member may have several devices: a laptop, a phone, an account on a server. All of them
act under the member's name and read the same messages; each has a key of its own, so one
that is lost is removed without the others.`,
	}
	requireSubcommand(c)
	c.AddCommand(a.deviceAddCommand(), a.deviceListCommand(), a.deviceRenameCommand(), a.deviceRemoveCommand(), a.deviceChooseCommand())
	return c
}

func (a *commandLine) deviceAddCommand() *cobra.Command {
	var o app.DeviceOptions
	var recovery bool
	c := &cobra.Command{
		Use:   "add [--expires 1h] | --recovery",
		Short: "Print a link (and QR code) with which one more device of yours joins",
		Long: `Print a link with which one more device of yours joins: run 'moot join LINK' on it. This
device need not be online then. Who has the link can act as you, so keep it to yourself.

With --recovery print the recovery code instead, once: a device on paper, which none of
your devices can remove, and which removes any of them.`,
		Example: "  moot device add\n  moot device add --expires 10m\n  moot device add --recovery",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if recovery {
					return a.makeRecovery(ctx, s)
				}
				in, err := s.Members.AddDevice(ctx, o)
				if err != nil {
					return err
				}
				a.showLink(in, "on the other device: moot join LINK --as NAME-OF-DEVICE (good until "+expiry(in.Expires)+")")
				return nil
			})
		},
	}
	f := c.Flags()
	spanVar(f, &o.Expires, "expires", time.Hour, "the `TIME` for which the link is good, as 10m or 12h")
	namedVars(f, &o.ServersOnly, &o.PeersOnly)
	f.BoolVar(&recovery, "recovery", false, "make the recovery code instead, and print it this once")
	c.MarkFlagsMutuallyExclusive("server-only", "peers-only", "recovery")
	c.MarkFlagsMutuallyExclusive("expires", "recovery")
	return c
}

func (a *commandLine) makeRecovery(ctx context.Context, s *app.Session) error {
	code, err := s.Members.Recovery(ctx)
	if err != nil {
		return err
	}
	if a.json {
		a.print(map[string]string{"recovery": code})
	}
	a.say("%s", code)
	a.explainRecovery()
	return nil
}

// explainRecovery tells a person what the code above is for.
func (a *commandLine) explainRecovery() {
	if isTerminal(a.out) {
		a.say("  write it on paper: with it you remove a device that was lost or stolen. It is not shown again.")
	}
}

func (a *commandLine) deviceListCommand() *cobra.Command {
	var of string
	c := &cobra.Command{
		Use: "ls", Short: "List your devices, or those of another member, and the branches of forked ones", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := devicesOf(ctx, s, of)
				if err != nil {
					return err
				}
				var forks []app.ForkStatus
				if slices.ContainsFunc(list, func(d policy.Device) bool { return d.Forked }) {
					st, err := s.Control.Status(ctx)
					if err != nil {
						return err
					}
					forks = st.Forked
				}
				a.showDevices(list, forks, s.Identity)
				return nil
			})
		},
	}
	ofVar(c, &of)
	return c
}

func ofVar(c *cobra.Command, of *string) {
	c.Flags().StringVar(of, "of", "", "of the `MEMBER` instead of your own")
}

// devicesOf returns a member's devices, or one's own.
func devicesOf(ctx context.Context, s *app.Session, member string) ([]policy.Device, error) {
	if member == "" {
		return s.Members.Devices(ctx)
	}
	m, err := s.Members.Lookup(ctx, member)
	return m.Devices, err
}

func (a *commandLine) showDevices(list []policy.Device, forks []app.ForkStatus, self app.Identity) {
	var rows [][]string
	for _, d := range list {
		var branches []app.Branch
		for _, f := range forks {
			if f.Device == d.Key {
				branches = f.Branches
			}
		}
		if a.json {
			a.print(struct {
				policy.Device
				Branches []app.Branch `json:"branches,omitempty"`
			}{d, branches})
			continue
		}
		rows = append(rows, []string{name(labelOf(d)), deviceState(d, self), d.Key.String()})
		for _, b := range branches {
			rows = append(rows, []string{"  branch " + shortEntry(b.Head), fmt.Sprintf("%d entries, last %s", b.Entries, when(b.Last)), ""})
		}
	}
	a.table("NAME\tSTATE\tKEY", rows)
}

// deviceState words what is to be known about a device.
func deviceState(d policy.Device, self app.Identity) string {
	var words []string
	for _, one := range []struct {
		is   bool
		text string
	}{{d.Key == self.Device, "this device"}, {d.Recovery, "on paper"}, {d.Waiting, "waiting"}, {d.Forked, "FORKED"}} {
		if one.is {
			words = append(words, one.text)
		}
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

func (a *commandLine) deviceRenameCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rename NAME NEW", Short: "Give one of your devices another name", Example: "  moot device rename laptop 'old laptop'", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				d, err := s.Members.RenameDevice(ctx, args[0], args[1])
				if err != nil {
					return err
				}
				if a.json {
					a.print(d)
				}
				a.say("%s is called %s now", d.Key.Short(), name(d.Name))
				return nil
			})
		},
	}
}

func (a *commandLine) deviceRemoveCommand() *cobra.Command {
	var r app.DeviceRemoval
	var yes bool
	c := &cobra.Command{
		Use:   "rm NAME [--of MEMBER] [--recovery CODE|-]",
		Short: "Remove a device for good: nobody answers it any more",
		Long: `Remove a device for good. A server refuses it at once; peers do as soon as the removal
reaches them. It keeps what it has, and can read nothing that is sealed afterwards.

A thief may strike back with the device that was stolen, unless the one that removes it
has added it, or the recovery code removes it: '-' reads that from standard input.`,
		Example: "  moot device rm phone\n  moot device rm phone --recovery -",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			r.Device = args[0]
			if r.Recovery == "-" {
				if r.Recovery, err = a.readSecret(a.in, "recovery code"); err != nil {
					return err
				}
			}
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error { return a.removeDevice(ctx, s, r, yes) })
		},
	}
	ofVar(c, &r.Member)
	c.Flags().StringVar(&r.Recovery, "recovery", "", "have the recovery `CODE` remove it; '-' reads the code from standard input")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask, if it is this device or files are on no other")
	return c
}

func (a *commandLine) removeDevice(ctx context.Context, s *app.Session, r app.DeviceRemoval, yes bool) error {
	if !yes {
		if err := a.confirmRemoval(ctx, s, r); err != nil {
			return err
		}
	}
	d, err := s.Members.RemoveDevice(ctx, r)
	if err != nil {
		return err
	}
	if a.json {
		a.print(d)
	}
	a.say("removed %s (%s)", name(labelOf(d)), d.Key)
	return nil
}

// confirmRemoval asks before this device is removed, or one that holds what no other does.
func (a *commandLine) confirmRemoval(ctx context.Context, s *app.Session, r app.DeviceRemoval) error {
	list, err := devicesOf(ctx, s, r.Member)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(d policy.Device) bool {
		return d.Name != r.Device && !strings.HasPrefix(d.Key.String(), strings.ToLower(r.Device))
	})
	last, err := lastCopies(ctx, s, list, name(r.Device))
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(list, func(d policy.Device) bool { return d.Key == s.Device }):
		return a.confirm("this removes the device that you are using, for good%s", further(last))
	case last != "":
		return a.confirm("%s", last)
	}
	return nil
}

// further appends a sentence, if there is one.
func further(text string) string {
	if text == "" {
		return ""
	}
	return "; " + text
}

func (a *commandLine) deviceChooseCommand() *cobra.Command {
	var choice app.BranchChoice
	c := &cobra.Command{
		Use:   "choose NAME BRANCH",
		Short: "Say which branch of a forked device counts",
		Long: `A device forks when a copy of its home is used beside it, or after it: both sign entries
with the same key. 'moot device ls' shows the branches. The chosen one counts for
everybody; the device itself ends, and the home goes on as a new one.`,
		Example: "  moot device ls\n  moot device choose laptop 3fa9c1d20b7e",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			choice.Device, choice.Head = args[0], args[1]
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				d, err := s.Members.ResolveFork(ctx, choice)
				if err != nil {
					return err
				}
				if a.json {
					a.print(d)
				}
				a.say("the branch %s of %s counts, and the device has ended", choice.Head, name(labelOf(d)))
				return nil
			})
		},
	}
	ofVar(c, &choice.Member)
	return c
}
