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
)

func (a *app) tourCommand() *cobra.Command {
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
	*app
	*stage
	what    string // the absolute path that is shared
	results map[Via][]string
}

// tourWithin bounds the whole tour.
const tourWithin = 2 * time.Minute

func (a *app) tour(ctx context.Context, path string) (err error) {
	what, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(what); err != nil {
		return moot.Errorf(moot.NotFound, "tour: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, tourWithin)
	defer cancel()
	st, err := newStage()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	t := &tour{app: a, stage: st, what: what, results: map[Via][]string{}}
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
	if _, err := t.do(ctx, "server", "init", "--name", "tour", "--as", "server"); err != nil {
		return err
	}
	if err := t.start(ctx, "server", "serve", "--listen", "127.0.0.1:0"); err != nil {
		return err
	}
	t.say("A space was made, and its server runs as process %d.", t.pid("server"))
	return nil
}

// bring invites three members, two of whom run peers.
func (t *tour) bring(ctx context.Context) error {
	for _, who := range []string{"ann", "bob", "cyd"} {
		link, err := t.do(ctx, "server", "invite")
		if err != nil {
			return err
		}
		if _, err := t.do(ctx, who, "join", strings.TrimSpace(link), "--as", who); err != nil {
			return err
		}
		if who == "cyd" {
			continue
		}
		if err := t.start(ctx, who, "up", "--listen", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	t.say("ann, bob and cyd joined by invitation; ann and bob run peers (processes %d and %d).", t.pid("ann"), t.pid("bob"))
	return nil
}

// share has ann share the files, once for each architecture.
func (t *tour) share(ctx context.Context) error {
	for _, via := range []Via{ViaServer, ViaPeers, ViaBoth} {
		began := time.Now()
		out, err := t.do(ctx, "ann", "share", t.what, "--as", "by-"+string(via), "--via", string(via))
		if err != nil {
			return err
		}
		t.note(via, time.Since(began))
		if via == ViaServer {
			t.say("ann shares %s", strings.TrimSpace(strings.TrimPrefix(out, "by-server")))
		}
	}
	return nil
}

// fetchAll has bob fetch them, each through its architecture.
func (t *tour) fetchAll(ctx context.Context) error {
	for _, via := range []Via{ViaServer, ViaPeers, ViaBoth} {
		took, err := t.fetch(ctx, "bob", via, "first")
		if err != nil {
			return err
		}
		t.note(via, took)
	}
	return nil
}

// fetch gets what was shared through an architecture, and compares it with the original.
func (t *tour) fetch(ctx context.Context, who string, via Via, as string) (time.Duration, error) {
	to := filepath.Join(t.dir, who+"-"+as+"-"+string(via))
	began := time.Now()
	if _, err := t.retry(ctx, who, "get", "by-"+string(via), "--via", string(via), "-o", to); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, sameTree(t.what, to)
}

// stopServer kills the server and sees what cyd, who has nothing yet, can still do.
func (t *tour) stopServer(ctx context.Context) error {
	if err := t.start(ctx, "cyd", "up", "--listen", "127.0.0.1:0"); err != nil {
		return err
	}
	if _, err := t.retry(ctx, "cyd", "find", "by", "--via", "peers"); err != nil {
		return err
	}
	t.kill("server")
	t.say("The server was killed. What works without it, for cyd, who has nothing yet:")
	for _, via := range []Via{ViaServer, ViaPeers, ViaBoth} {
		_, getErr := t.fetch(ctx, "cyd", via, "later")
		_, findErr := t.do(ctx, "cyd", "find", "by", "--via", string(via))
		note := filepath.Join(t.dir, "note-"+string(via))
		if err := os.WriteFile(note, []byte("written without a server\n"), 0o600); err != nil {
			return err
		}
		_, shareErr := t.do(ctx, "cyd", "share", note, "--via", string(via))
		t.results[via] = append(t.results[via], works(getErr), works(findErr), works(shareErr))
	}
	return nil
}

func works(err error) string {
	if err == nil {
		return "yes"
	}
	return "no"
}

func (t *tour) note(via Via, took time.Duration) {
	t.results[via] = append(t.results[via], fmt.Sprintf("%.2f s", took.Seconds()))
}

func (t *tour) showTable() {
	names := map[Via]string{ViaServer: "client-server", ViaPeers: "peer-to-peer", ViaBoth: "hybrid"}
	columns := []string{"share", "get", "get, server down", "find, server down", "share, server down"}
	var rows [][]string
	for _, via := range []Via{ViaServer, ViaPeers, ViaBoth} {
		if t.json {
			row := map[string]string{"architecture": names[via]}
			for i, c := range columns {
				row[c] = t.results[via][i]
			}
			t.print(row)
		}
		rows = append(rows, append([]string{names[via]}, t.results[via]...))
	}
	if !t.json {
		t.say("")
		t.table("\t"+strings.ToUpper(strings.Join(columns, "\t")), rows)
		t.say("\nEvery fetched byte was compared with the original. The temporary home is removed.")
	}
}
