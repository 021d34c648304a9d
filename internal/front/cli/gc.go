package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
)

func (a *commandLine) gcCommand() *cobra.Command {
	var o app.GarbageOptions
	c := &cobra.Command{
		Use:   "gc [--dry-run]",
		Short: "Free what nothing needs: no version that is retained, no message, no job",
		Long: `Free the bytes in this home that nothing needs: no version of a file that is in force or
retained, no message, no job. A running node does so by itself; what has come within the
last day stays in any case.`,
		Example: "  moot gc --dry-run\n  moot gc",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				g, err := s.Control.Collect(ctx, o)
				if err != nil {
					return err
				}
				if a.json {
					a.print(g)
					return nil
				}
				did := "freed"
				if o.DryRun {
					did = "would free"
				}
				a.table("", [][]string{{did, fmt.Sprintf("%s, %d blobs", size(g.Bytes), g.Blobs)}, {"needed", size(g.Needed)},
					{"of the last day", size(g.Leased)}})
				return nil
			})
		},
	}
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "only say what would be freed")
	return c
}
