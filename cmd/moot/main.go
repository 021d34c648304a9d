// Command moot shares files, messages and computing power over a server, between peers,
// or both. It must know nothing but which program the command line is given.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/daemon"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/listen"
	"github.com/mootspace/moot/internal/sandbox"
)

func main() {
	if sandbox.IsChild() { // a task is run in a process of its own
		sandbox.Serve()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	asked := os.Getenv("MOOT_LOG") // debug, info, warn or error; else only nodes that run have a log
	level := &slog.LevelVar{}
	if level.UnmarshalText([]byte(asked)) != nil {
		level.Set(slog.LevelError + 1)
		asked = ""
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	program := program{daemon.Program{Version: cli.Version, Log: log, Listen: listen.Open}, level, asked != ""}
	os.Exit(cli.Main(ctx, program, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// gcPercent is how much a node's heap may grow between collections: it is a guest on people's
// machines, and waits for disks and networks more than it computes.
const gcPercent = 50

// program logs warnings while it runs a node; other commands say what is wrong themselves.
type program struct {
	daemon.Program
	level *slog.LevelVar
	asked bool // the level was
}

// Run implements app.Program.
func (p program) Run(ctx context.Context, home string, o app.RunOptions, ready func(addrs []string)) error {
	if !p.asked {
		p.level.Set(slog.LevelWarn)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	return p.Program.Run(ctx, home, o, ready)
}
