package api

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

// Operations that name paths of the node's machine. The program that asks and the node may
// see different files under one path, as in containers; each operation carries what the
// program sees there, and the node compares.

// seen is what a program sees under a path.
type seen struct {
	Device   uint64    `json:"device"`
	Inode    uint64    `json:"inode"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

type sharePath struct {
	Body struct {
		Path    string `json:"path"` // absolute
		Seen    *seen  `json:"seen,omitempty" doc:"What the program sees there; the node refuses if it sees something else."`
		As      string `json:"as,omitempty" doc:"The name; the path's last part if empty."`
		InPlace bool   `json:"in_place,omitempty" doc:"Refer to the file instead of copying it."`
		Force   bool   `json:"force,omitempty" doc:"Also if somebody else changed the name meanwhile."`
		Bare    bool   `json:"bare,omitempty" doc:"Of a folder: without times and permissions."`
	}
}

type getPath struct {
	Body struct {
		Name  string `json:"name" doc:"A name or an ID."`
		Path  string `json:"path" doc:"Absolute; an existing directory means inside it."`
		Proof string `json:"proof,omitempty" doc:"A file beside the path that holds the token; the node refuses if it sees none."`
		Token string `json:"token,omitempty"`
	}
}

type getAllPath struct {
	Body struct {
		Names []string `json:"names" doc:"Names, IDs, and patterns with * and **."`
		Path  string   `json:"path" doc:"A directory, absolute; it must exist."`
		Proof string   `json:"proof,omitempty" doc:"A file in the directory that holds the token; the node refuses if it sees none."`
		Token string   `json:"token,omitempty"`
	}
}

type backupPath struct {
	Body struct {
		Path  string `json:"path" doc:"A directory, absolute; it must exist."`
		Keep  int    `json:"keep,omitempty" doc:"Newest backups that stay; 0 for all."`
		Proof string `json:"proof,omitempty" doc:"A file in the directory that holds the token; the node refuses if it sees none."`
		Token string `json:"token,omitempty"`
	}
}

// getting is progress, or some of what has been written.
type getting struct {
	Done  int64          `json:"done"`
	Total int64          `json:"total"`
	Got   []files.Result `json:"got,omitempty"`
}

// gotAll says how fetching several ended.
type gotAll struct {
	Failed *problem `json:"failed,omitempty" doc:"The first error; the rest was written all the same."`
}

// gotBatch is how many results one line of a stream holds.
const gotBatch = 100

var (
	shareOp  = op[sharePath, line[progress, files.Result]]{at: "POST /api/local/share", does: "Share the file or folder at a path", may: localWrites, gives: typeLines}
	storeOp  = op[sharePath, line[progress, files.Result]]{at: "POST /api/local/store", does: "Store the file or folder at a path without giving it a name", may: localWrites, gives: typeLines}
	getOp    = op[getPath, line[progress, files.Result]]{at: "POST /api/local/get", does: "Write a file or folder to a path", may: localReads, gives: typeLines}
	getAllOp = op[getAllPath, line[getting, gotAll]]{at: "POST /api/local/getall", does: "Write files and folders into a directory", may: localReads, gives: typeLines}
	backupOp = op[backupPath, line[progress, app.Backup]]{at: "POST /api/local/backup", does: "Add a backup of the node's home to a directory", may: localWrites, gives: typeLines}
)

func (s *server) addLocal() {
	share := func(do func(app.Files, context.Context, string, files.ShareOptions) (files.Result, error)) func(context.Context, *app.Session, sharePath, func(progress) error) (files.Result, error) {
		return func(ctx context.Context, m *app.Session, in sharePath, emit func(progress) error) (files.Result, error) {
			b := in.Body
			if err := compare(b.Path, b.Seen); err != nil {
				return files.Result{}, moot.Wrap("share "+b.Path, err)
			}
			return do(m.Files, ctx, b.Path, files.ShareOptions{As: b.As, InPlace: b.InPlace, Force: b.Force, Bare: b.Bare, Progress: throttled(emit)})
		}
	}
	stream(s, shareOp, share(app.Files.Share))
	stream(s, storeOp, share(app.Files.Store))
	stream(s, getOp, func(ctx context.Context, m *app.Session, in getPath, emit func(progress) error) (files.Result, error) {
		if err := checkProof(in.Body.Path, in.Body.Proof, in.Body.Token); err != nil {
			return files.Result{}, moot.Wrap("get "+in.Body.Name, err)
		}
		return m.Files.Get(ctx, in.Body.Name, in.Body.Path, throttled(emit))
	})
	stream(s, getAllOp, getAll)
	stream(s, backupOp, func(ctx context.Context, m *app.Session, in backupPath, emit func(progress) error) (app.Backup, error) {
		if err := checkProof(in.Body.Path, in.Body.Proof, in.Body.Token); err != nil {
			return app.Backup{}, moot.Wrap("backup", err)
		}
		return m.Control.Backup(ctx, in.Body.Path, app.BackupOptions{Keep: in.Body.Keep, Progress: throttled(emit)})
	})
}

func getAll(ctx context.Context, m *app.Session, in getAllPath, emit func(getting) error) (all gotAll, err error) {
	if err := checkProof(in.Body.Path, in.Body.Proof, in.Body.Token); err != nil {
		return all, moot.Wrap("get", err)
	}
	got, err := m.Files.GetAll(ctx, in.Body.Names, in.Body.Path, throttled(func(p progress) error { return emit(getting{Done: p.Done, Total: p.Total}) }))
	if err != nil {
		all.Failed = &problem{Kind: moot.KindOf(err), Detail: err.Error(), Hint: moot.HintOf(err)}
	}
	for batch := range slices.Chunk(got, gotBatch) {
		if err := emit(getting{Got: batch}); err != nil {
			return all, err
		}
	}
	return all, nil
}

// compare fails unless this process sees under a path what a program saw there.
func compare(path string, want *seen) error {
	if !filepath.IsAbs(path) {
		return moot.Errorf(moot.Invalid, "%q is not an absolute path", path)
	}
	if want == nil {
		return nil
	}
	got, err := look(path)
	if err != nil || !got.same(*want) {
		return moot.WithHint(moot.Errorf(moot.Invalid, "the node does not see the same file there: it may have just changed, or the node may run in another container"), moot.HintOtherTree)
	}
	return nil
}

// look returns what this process sees under a path.
func look(path string) (seen, error) {
	info, err := os.Stat(path)
	if err != nil {
		return seen{}, pathError(err)
	}
	device, inode := identity(info)
	return seen{device, inode, info.Size(), info.ModTime()}, nil
}

func (a seen) same(b seen) bool {
	return a.Device == b.Device && a.Inode == b.Inode && a.Size == b.Size && a.Modified.Equal(b.Modified)
}

// proofPrefix starts the names of files of proof.
const proofPrefix = ".moot-"

// maxToken is the size in bytes of the largest token in a file of proof.
const maxToken = 256

// checkProof fails unless this process sees the file that a program has put beside a path.
// It removes the file: the program may be killed before it does.
func checkProof(path, proof, token string) error {
	if !filepath.IsAbs(path) {
		return moot.Errorf(moot.Invalid, "%q is not an absolute path", path)
	}
	if proof == "" {
		return nil
	}
	info, err := os.Lstat(proof)
	if err == nil && info.Mode().IsRegular() && info.Size() <= maxToken {
		var found []byte
		if found, err = os.ReadFile(proof); err == nil && string(found) == token {
			if strings.HasPrefix(filepath.Base(proof), proofPrefix) {
				_ = os.Remove(proof) // else the program removes it
			}
			return nil
		}
	}
	return moot.WithHint(moot.Errorf(moot.Invalid, "the node does not see the same directory there: it may run in another container"), moot.HintOtherTree)
}

// pathError gives an error of the operating system its kind.
func pathError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return moot.Errorf(moot.NotFound, "%w", err)
	case errors.Is(err, os.ErrPermission):
		return moot.Errorf(moot.Denied, "%w", err)
	}
	return moot.Errorf(moot.Internal, "%w", err)
}
