package moot

import (
	"context"
	"time"
)

// Runner lends computing power: a worker on this machine, another across a link, or a
// queue that finds one. It is the third ability beside Blobs and Feeds, and not part of
// Node, because not every node lends.
type Runner interface {
	// Run runs a task to its end. watch, if not nil, is told of what happens
	// meanwhile; it must be quick. Bytes of the outcome that it does not hold itself
	// can be had of the runner's node for a while. That a task fails by its own fault
	// is no error but said in the outcome. Kinds: Invalid if it cannot be run anywhere,
	// Denied or Full if not by this runner, NotFound if an input cannot be had,
	// Unavailable if the runner was lost.
	Run(ctx context.Context, t Task, watch func(Progress)) (Outcome, error)
}

// Task is a program to be run on data.
type Task struct {
	Module BlobID   `json:"module"`         // a WASI preview 1 module
	Name   string   `json:"name,omitempty"` // of the program, as its argument 0
	Args   []string `json:"args,omitempty"` // after the name
	Env    []string `json:"env,omitempty"`  // "NAME=value"
	Inputs []Input  `json:"inputs,omitempty"`
	Limits Limits   `json:"limits,omitzero"`
	Seed   uint64   `json:"seed,omitempty"` // of the random numbers it sees
	Live   bool     `json:"live,omitempty"` // real clock and random numbers: results may differ

	For   Key    `json:"for,omitzero"`    // the member for whom it is run; zero: who asks
	Label string `json:"label,omitempty"` // for people
}

// Input is what a task finds below /in.
type Input struct {
	Path   string `json:"path"`             // below /in, slash-separated; "" for a folder that is /in itself
	Folder bool   `json:"folder,omitempty"` // ID is a folder's manifest
	ID     BlobID `json:"id"`               // of the content
	Size   int64  `json:"size,omitempty"`   // bytes of the content
	Pack   BlobID `json:"pack,omitzero"`    // the blob that holds the content at Offset; zero: it is a blob itself
	Offset int64  `json:"offset,omitempty"`
}

// Limits bound what a task may use. Zero means the runner's default, and a runner's
// own limits always win.
type Limits struct {
	Memory int64         `json:"memory,omitempty"` // bytes
	Wall   time.Duration `json:"wall,omitempty"`   // from its start
	CPU    time.Duration `json:"cpu,omitempty"`
	Output int64         `json:"output,omitempty"` // bytes of files, standard output and standard error together
	Files  int           `json:"files,omitempty"`  // files and folders made
	Open   int           `json:"open,omitempty"`   // files open at once
}

// Progress is something that happened to a task.
type Progress struct {
	Started bool   `json:"started,omitempty"` // it waits no more
	Stream  int    `json:"stream,omitempty"`  // 1: standard output, 2: standard error
	Text    []byte `json:"text,omitempty"`    // what it wrote
}

// Outcome is what came of a task.
type Outcome struct {
	Failure string    `json:"failure,omitempty"` // why it was stopped, as the limit that it exceeded
	Exit    uint32    `json:"exit,omitempty"`    // the program's exit status
	Stdout  Content   `json:"stdout"`
	Stderr  Content   `json:"stderr"`
	Files   []Content `json:"files,omitempty"` // written below /out, by path

	Wall   time.Duration `json:"wall,omitempty"` // while it ran
	CPU    time.Duration `json:"cpu,omitempty"`
	Memory int64         `json:"memory,omitempty"` // bytes at most
}

// Content is bytes with a name, attached if they are few.
type Content struct {
	Path string `json:"path,omitempty"` // below /out; empty for a stream
	Blob
	Data []byte `json:"data,omitempty"` // all of it, or nothing
}
