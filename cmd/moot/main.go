// Command moot shares files, messages and computing power over a server, between peers,
// or both. It must know nothing but which program the command line is given.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

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
	level := slog.LevelWarn
	_ = level.UnmarshalText([]byte(os.Getenv("MOOT_LOG"))) // debug, info, warn or error; else it stays
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	program := daemon.Program{Version: cli.Version, Log: log, Listen: listen.Open}
	os.Exit(cli.Main(ctx, program, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
