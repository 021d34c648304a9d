package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/policy"
)

func (a *commandLine) trustCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "trust NAME",
		Short: "Give tasks again to a member whose worker returned a wrong result",
		Long: `Give tasks again to a member whose worker returned a wrong result. It holds for the jobs
that this node coordinates: for those of a server, run it there. 'moot offer' shows
who is distrusted.`,
		Example: "  moot jobs trust ann",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				m, err := s.Members.Lookup(ctx, args[0])
				if err != nil {
					return err
				}
				if err := s.Jobs.Trust(ctx, m.ID); err != nil {
					return err
				}
				a.done("trusted again:", m.Name)
				return nil
			})
		},
	}
}

// parseCheck reads how results are checked: by a number of members, or adaptively.
func parseCheck(text string) (int, error) {
	if text == "auto" {
		return jobs.CheckAuto, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, moot.Errorf(moot.Invalid, "%.40q does not say how results are checked: want a number of members, or auto", text)
	}
	return n, nil
}

// targets returns the members and devices of some names: NAME, or NAME/LABEL for one device.
func targets(ctx context.Context, s *app.Session, names []string) (list []jobs.Target, err error) {
	for _, text := range names {
		who, label, one := strings.Cut(text, "/")
		m, err := s.Members.Lookup(ctx, who)
		if err != nil {
			return nil, err
		}
		t := jobs.Target{Member: m.ID}
		if one {
			if t.Device, err = deviceOf(m, label); err != nil {
				return nil, err
			}
		}
		list = append(list, t)
	}
	return list, nil
}

// deviceOf finds a member's device by its label, or the beginning of its key.
func deviceOf(m policy.Member, label string) (moot.Key, error) {
	for _, d := range m.Devices {
		if d.Name == label || len(label) >= 4 && strings.HasPrefix(d.Key.String(), label) {
			return d.Key, nil
		}
	}
	return moot.Key{}, moot.WithHint(moot.Errorf(moot.NotFound, "%s has no device %.40q", m.Name, label), moot.HintListDevices)
}

// recordOf says what the coordinator knows of who lends.
func recordOf(o jobs.Offer) string {
	switch r := o.Record; {
	case r == nil:
		return ""
	case !r.Distrusted.IsZero():
		return fmt.Sprintf("distrusted since %s: %d wrong", r.Distrusted.Local().Format("2006-01-02 15:04"), r.Wrong)
	case r.Valid+r.Wrong == 0:
		return fmt.Sprintf("%d runs", r.Runs)
	default:
		return fmt.Sprintf("%d runs, %d confirmed, %d wrong", r.Runs, r.Valid, r.Wrong)
	}
}
