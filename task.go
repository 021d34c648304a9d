package moot

import (
	"context"
	"time"
)

// Runner runs tasks: a worker on this machine, or one across a link. It is not part of Node,
// because not every node lends computing power.
type Runner interface {
	// Run runs a task to its end. watch, if not nil, is called with its progress; it must be
	// quick. Content that is not attached to the outcome can be fetched from the runner's
	// node, which stores it in a cache. A failure by the task's own fault is no error: it is
	// in the outcome. Kinds: Invalid if no runner can run the task, Denied or Full if this
	// one cannot, NotFound if an input is missing, Unavailable if the runner was lost.
	Run(ctx context.Context, t Task, watch func(Progress)) (Outcome, error)
}

// Task is a program and its input.
type Task struct {
	Module BlobID   `json:"module"`         // a WASI preview 1 module
	Name   string   `json:"name,omitempty"` // argument 0
	Args   []string `json:"args,omitempty"` // arguments after Name
	Env    []string `json:"env,omitempty"`  // "NAME=value"
	Inputs []Input  `json:"inputs,omitempty"`
	Stdin  Input    `json:"stdin,omitzero"` // standard input: a file, whose path has no meaning
	Limits Limits   `json:"limits,omitzero"`
	Seed   uint64   `json:"seed,omitempty"` // of its random numbers
	Live   bool     `json:"live,omitempty"` // real clock and random numbers: not deterministic

	For   MemberID `json:"for,omitzero"`    // on whose behalf it is run
	Label string   `json:"label,omitempty"` // for people
}

// Input is a file or folder below /in of a task.
type Input struct {
	Path   string `json:"path"`             // below /in, slash-separated; "" for a folder: /in itself
	Folder bool   `json:"folder,omitempty"` // ID is a folder's manifest
	ID     BlobID `json:"id"`               // of the content
	Size   int64  `json:"size,omitempty"`   // bytes of the content
	Pack   BlobID `json:"pack,omitzero"`    // the blob with the content at Offset; zero: the content is a blob
	Offset int64  `json:"offset,omitempty"`
}

// Limits bound the resources of a task. Zero means the runner's default; the runner's own
// limits are upper bounds.
type Limits struct {
	Memory int64         `json:"memory,omitempty"` // bytes
	Wall   time.Duration `json:"wall,omitempty"`   // from its start
	CPU    time.Duration `json:"cpu,omitempty"`
	Output int64         `json:"output,omitempty"` // bytes of files, standard output and standard error together
	Files  int           `json:"files,omitempty"`  // files and folders created
	Open   int           `json:"open,omitempty"`   // files open at once
}

// Progress is an event of a running task.
type Progress struct {
	Started bool   `json:"started,omitempty"` // it runs, after waiting for a slot
	Stream  int    `json:"stream,omitempty"`  // 1: standard output, 2: standard error
	Text    []byte `json:"text,omitempty"`    // output
}

// Outcome is the result of a task.
type Outcome struct {
	Failure string    `json:"failure,omitempty"` // why it was stopped, such as the limit that it exceeded
	Exit    uint32    `json:"exit,omitempty"`    // exit status
	Stdout  Content   `json:"stdout"`
	Stderr  Content   `json:"stderr"`
	Files   []Content `json:"files,omitempty"` // written below /out, by path

	Wall   time.Duration `json:"wall,omitempty"` // run time
	CPU    time.Duration `json:"cpu,omitempty"`
	Memory int64         `json:"memory,omitempty"` // peak bytes
}

// Content is a file or stream of a task; small ones are attached.
type Content struct {
	Path string `json:"path,omitempty"` // below /out; "" for a stream
	Blob
	Data []byte `json:"data,omitempty"` // the content, or nil
}
