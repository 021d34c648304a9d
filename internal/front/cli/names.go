package cli

import (
	"context"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/policy"
)

// names are those of members and of their devices.
type names struct {
	members map[moot.MemberID]string
	devices map[moot.Key]string
}

// names returns the names that are known; none if the members cannot be listed.
func (a *commandLine) names(ctx context.Context, s *app.Session) names {
	list, err := s.Members.List(ctx)
	if err != nil {
		return names{}
	}
	return newNames(list)
}

func newNames(list []policy.Member) names {
	n := names{map[moot.MemberID]string{}, map[moot.Key]string{}}
	for _, m := range list {
		n.members[m.ID] = m.Name
		machines := slices.DeleteFunc(slices.Clone(m.Devices), func(d policy.Device) bool { return d.Recovery })
		for _, d := range machines {
			n.devices[d.Key] = m.Name
			if d.Name != "" && len(machines) > 1 {
				n.devices[d.Key] += " (" + d.Name + ")"
			}
		}
	}
	return n
}

// member returns a member's name, or the beginning of its ID.
func (n names) member(id moot.MemberID) string {
	if known := n.members[id]; known != "" {
		return known
	}
	return id.Short()
}

// device returns the name of a device's member, of several devices with the label, or the
// beginning of its key.
func (n names) device(k moot.Key) string {
	if known := n.devices[k]; known != "" {
		return known
	}
	return k.Short()
}

// author returns who wrote a version of a file.
func (n names) author(f files.File) string {
	if f.By.IsZero() {
		return n.device(f.Author)
	}
	return n.member(f.By)
}

// labelOf returns a device's label, or the beginning of its key.
func labelOf(d policy.Device) string {
	if d.Name != "" {
		return d.Name
	}
	return d.Key.Short()
}
