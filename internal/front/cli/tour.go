package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/compare"
)

func (a *commandLine) tourCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "tour [FILE]",
		Short: "See it all in a minute: a server and peers, in a temporary home",
		Long: `Start a real server and real peers as separate processes in a temporary
directory, share FILE (a file or folder; default: the current directory) and fetch
it through each architecture; then stop the server and see what still works.
Everything is removed at the end.`,
		Example: "  moot tour\n  moot tour holiday.mp4",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			path := "."
			if len(args) == 1 {
				path = args[0]
			}
			return a.tour(c.Context(), path)
		},
	}
}

// tour is one walk through the program with its own processes.
type tour struct {
	*commandLine
	*compare.Testbed
	what    string // the absolute path that is shared
	results map[moot.Architecture][]string
}

// tourWithin bounds the whole tour.
const tourWithin = 2 * time.Minute

func (a *commandLine) tour(ctx context.Context, path string) (err error) {
	what, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(what); err != nil {
		return moot.Errorf(moot.NotFound, "tour: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, tourWithin)
	defer cancel()
	st, err := compare.NewTestbed("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	t := &tour{commandLine: a, Testbed: st, what: what, results: map[moot.Architecture][]string{}}
	for _, step := range []func(context.Context) error{t.found, t.bring, t.share, t.fetchAll, t.stopServer} {
		if err := step(ctx); err != nil {
			return moot.Wrap("tour", err)
		}
	}
	t.showTable()
	return nil
}

// found makes a space and starts its server.
func (t *tour) found(ctx context.Context) error {
	if _, err := t.Do(ctx, "server", "init", "--name", "tour", "--as", "server"); err != nil {
		return err
	}
	if err := t.Start(ctx, "server", "serve", "--listen", "127.0.0.1:0"); err != nil {
		return err
	}
	t.say("A space was made, and its server runs as process %d.", t.PID("server"))
	return nil
}

// fetchers are who fetches through each architecture: one member while the server runs,
// another after it was killed. Nobody fetches twice, because what a member has once it
// need not fetch.
func fetchers() map[moot.Architecture]struct{ before, after string } {
	return map[moot.Architecture]struct{ before, after string }{
		{Server: true}:              {"bob", "eve"},
		{Peers: true}:               {"cyd", "fay"},
		{Server: true, Peers: true}: {"dan", "gus"},
	}
}

// bring invites members; all but the clients run peers.
func (t *tour) bring(ctx context.Context) error {
	link, err := t.Do(ctx, "server", "invite", "--uses", "0")
	if err != nil {
		return err
	}
	join := func(who string, peer bool) error {
		if _, err := t.Do(ctx, who, "join", strings.TrimSpace(link), "--as", who); err != nil || !peer {
			return err
		}
		return t.Start(ctx, who, "up", "--listen", "127.0.0.1:0")
	}
	if err := join("ann", true); err != nil {
		return err
	}
	for _, a := range moot.Architectures() {
		for _, who := range []string{fetchers()[a].before, fetchers()[a].after} {
			if err := join(who, a.Peers); err != nil {
				return err
			}
		}
	}
	t.say("Seven members joined by invitation; five of them run peers, ann's is process %d.", t.PID("ann"))
	return nil
}

// share has ann share the files, once for each architecture.
func (t *tour) share(ctx context.Context) error {
	for _, a := range moot.Architectures() {
		via, began := a, time.Now()
		out, err := t.Do(ctx, "ann", "share", t.what, "--as", "by-"+via.String(), "--via", via.String())
		if err != nil {
			return err
		}
		t.note(via, time.Since(began))
		if !via.Peers {
			t.say("ann shares %s", strings.TrimSpace(strings.TrimPrefix(out, "by-server")))
		}
	}
	return nil
}

// fetchAll has a member for each architecture fetch them.
func (t *tour) fetchAll(ctx context.Context) error {
	for _, a := range moot.Architectures() {
		took, err := t.fetch(ctx, fetchers()[a].before, a, t.Retry)
		if err != nil {
			return err
		}
		t.note(a, took)
	}
	return nil
}

// doer is Do or Retry.
type doer func(ctx context.Context, who string, args ...string) (string, error)

// fetch gets what was shared through an architecture, and compares it with the original.
func (t *tour) fetch(ctx context.Context, who string, via moot.Architecture, do doer) (time.Duration, error) {
	to := filepath.Join(t.Dir, who+"-"+via.String())
	began := time.Now()
	if _, err := do(ctx, who, "get", "by-"+via.String(), "--via", via.String(), "-o", to); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, compare.SameTree(t.what, to)
}

// stopServer kills the server and sees what members who have nothing yet can still do.
func (t *tour) stopServer(ctx context.Context) error {
	for _, a := range moot.Architectures() { // what was shared is known to all by now
		if _, err := t.Retry(ctx, fetchers()[a].after, "find", "by both", "--via", a.String()); err != nil {
			return err
		}
	}
	t.Kill("server")
	t.say("The server was killed. Members who have nothing yet now fetch, find and share.")
	for _, a := range moot.Architectures() {
		_, getErr := t.fetch(ctx, fetchers()[a].after, a, t.Do)
		_, findErr := t.Do(ctx, fetchers()[a].after, "find", "by", "--via", a.String())
		note := filepath.Join(t.Dir, "note-"+a.String())
		if err := os.WriteFile(note, []byte("written without a server\n"), 0o600); err != nil {
			return err
		}
		_, shareErr := t.Do(ctx, fetchers()[a].after, "share", note, "--via", a.String())
		t.results[a] = append(t.results[a], works(getErr), works(findErr), works(shareErr))
	}
	return nil
}

func works(err error) string {
	if err == nil {
		return "yes"
	}
	return "no"
}

func (t *tour) note(via moot.Architecture, took time.Duration) {
	t.results[via] = append(t.results[via], fmt.Sprintf("%.2f s", took.Seconds()))
}

func (t *tour) showTable() {
	columns := []string{"share", "get", "get, server down", "find, server down", "share, server down"}
	var rows [][]string
	for _, a := range moot.Architectures() {
		if t.json {
			row := map[string]string{"architecture": a.Name()}
			for i, c := range columns {
				row[c] = t.results[a][i]
			}
			t.print(row)
		}
		rows = append(rows, append([]string{a.Name()}, t.results[a]...))
	}
	if !t.json {
		t.say("")
		t.table("\t"+strings.ToUpper(strings.Join(columns, "\t")), rows)
		t.say("\nEvery fetched byte was compared with the original. The temporary home is removed.")
	}
}
