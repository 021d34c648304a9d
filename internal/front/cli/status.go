package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/folders"
	"github.com/mootspace/moot/internal/policy"
)

func (a *commandLine) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show this node, its space and whom it reaches",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				st, err := s.Control.Status(ctx)
				if err != nil {
					return err
				}
				list, err := s.Folders.List(ctx)
				if err != nil {
					return err
				}
				if a.json {
					a.print(struct {
						app.Status
						Folders []folders.Status `json:"folders,omitempty"`
					}{st, list})
					return nil
				}
				a.showStatus(st, list)
				return nil
			})
		},
	}
}

func (a *commandLine) showStatus(st app.Status, synced []folders.Status) {
	running := "not running: each command makes a node for itself ('moot up' runs one)"
	if st.Running {
		running = "running"
	}
	rows := [][]string{
		{"space", fmt.Sprintf("%s  %s", name(st.Name), st.Space)},
		{"member", fmt.Sprintf("%s (%s)  %s", name(st.As), st.Role, st.Member)},
		{"device", strings.TrimSpace(name(st.Label) + "  " + st.Device.String())},
		{"node", running},
		{"via", st.Via.String()},
		{"peers", fmt.Sprintf("%d connected", st.Peers)},
		{"entries", fmt.Sprintf("%d by %d devices", st.Entries, st.Authors)},
		{"blobs", fmt.Sprintf("%d, %s: %s in force, %s older versions, %s other", st.Blobs, size(st.Bytes), size(st.InForce), size(st.Old), size(max(0, st.Bytes-st.InForce-st.Old)))},
		{"in place", size(st.InPlace)},
		{"served", size(st.Sent)},
		{"received", size(st.Received)},
	}
	for _, server := range st.Servers {
		state := "answers"
		if !server.Reachable {
			state = "does not answer: " + clean(server.Why)
		}
		rows = append(rows, []string{"server", strings.Join(server.Addrs, " ") + "  " + state})
	}
	for _, addr := range st.Addrs {
		rows = append(rows, []string{"address", addr})
	}
	for _, f := range synced {
		rows = append(rows, []string{"synced", folderLine(f)})
	}
	if st.Conflicts > 0 {
		rows = append(rows, []string{"conflicts", fmt.Sprintf("%d: see 'moot conflicts'", st.Conflicts)})
	}
	a.table("", append(rows, openRows(st)...))
}

// folderLine words a synced folder in one line.
func folderLine(f folders.Status) string {
	line := fmt.Sprintf("%s with %s: %s", name(f.Dir), name(f.Name), stateOf(f))
	if f.Failing > 0 {
		line += fmt.Sprintf(", %s: see 'moot sync status %s'", plural(f.Failing, "problem"), name(f.Dir))
	}
	return line
}

// openRows words what is open about the members of the space.
func openRows(st app.Status) (rows [][]string) {
	if !st.Adopted {
		rows = append(rows, []string{"members", "as version 0.1.0 left them: nobody is invited, removed or given a role until the founder's node has run"})
	}
	if c := st.CatchUp; c != nil {
		rows = append(rows, []string{"waits", fmt.Sprintf("for what this home has said before: %d of %d nodes have answered, %d entries are missing", c.Answered, c.Asked, c.Missing)})
	}
	if st.Invitations > 0 {
		rows = append(rows, []string{"invitations", fmt.Sprintf("%d open: see 'moot invite --list'", st.Invitations)})
	}
	for _, w := range st.Waiting {
		who := name(w.Name)
		if w.Joined {
			who = "device " + name(labelOf(policy.Device{Key: w.Device, Name: w.Label})) + " of " + who
		}
		rows = append(rows, []string{"waiting", who + ": for a server, admin or owner"})
	}
	for _, f := range st.Forked {
		label := labelOf(policy.Device{Key: f.Device, Name: f.Label})
		rows = append(rows, []string{"forked", fmt.Sprintf("%s of %s goes on in %d branches: see 'moot device ls --of %s'", name(label), name(f.Name), len(f.Branches), name(f.Name))})
	}
	return rows
}

func (a *commandLine) peersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "peers",
		Short: "List the members' nodes and which are connected",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Control.Peers(ctx)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, p := range list {
					if a.json {
						a.print(p)
						continue
					}
					state := "-"
					if p.Connected {
						state = "connected"
					}
					rows = append(rows, []string{name(p.Name), string(p.Role), state, p.ID.Short(), strings.Join(p.Addrs, " ")})
				}
				a.table("NAME\tROLE\tSTATE\tKEY\tADDRESSES", rows)
				return nil
			})
		},
	}
}
