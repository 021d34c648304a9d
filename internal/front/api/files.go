package api

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

type selectFiles struct {
	Prefix string `query:"prefix" doc:"What the names start with."`
	Words  string `query:"words" doc:"What the names contain, in any case."`
}

type fileName struct {
	Name string `path:"name" doc:"A name, whose slashes may stay as they are, or an ID or 8 or more digits with which just one begins."`
}

type putFile struct {
	Name     string    `path:"name" doc:"Slashes may stay as they are."`
	Mode     fileMode  `query:"mode" doc:"Permission bits, octal; 0644 if absent."`
	Modified time.Time `query:"modified" doc:"Now if absent."`
	Force    bool      `query:"force" doc:"Also if somebody else changed the name meanwhile."`
}

type moveFile struct {
	Body struct {
		From  string `json:"from"`
		To    string `json:"to"`
		Force bool   `json:"force,omitempty" doc:"Also onto a name that exists."`
	}
}

type resolveFile struct {
	Body struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty" doc:"The beginning of its ID; the current version if empty."`
	}
}

type removeFile struct {
	Name      string `path:"name" doc:"Slashes may stay as they are."`
	Recursive bool   `query:"recursive" doc:"Also a folder that is not empty, with all that is in it."`
	Now       bool   `query:"now" doc:"Its bytes are not retained."`
}

type readFolder struct {
	Name string `path:"name" doc:"Of the folder, whose slashes may stay as they are; the root if empty."`
}

// fileMode is permission bits in octal.
type fileMode fs.FileMode

// MarshalText and UnmarshalText use octal digits.
func (m fileMode) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%04o", uint32(m)), nil }

func (m *fileMode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 9)
	*m = fileMode(n)
	return err
}

// Operations on files. The content of one is in content.go.
var (
	listFilesOp   = op[selectFiles, []files.File]{at: "GET /api/files", does: "Files by name", may: reads}
	putFileOp     = op[putFile, files.File]{at: "PUT /api/files/{name...}", does: "Upload a file", may: writes, takes: "application/octet-stream"}
	removeFileOp  = op[removeFile, none]{at: "DELETE /api/files/{name...}", does: "Remove a name; its history stays", may: writes}
	moveFileOp    = op[moveFile, files.File]{at: "POST /api/move", does: "Give a file or folder another name", may: writes}
	readFolderOp  = op[readFolder, []files.File]{at: "GET /api/folder/{name...}", does: "What is in a folder", may: reads}
	freezeOp      = op[fileName, files.File]{at: "POST /api/freeze/{name...}", does: "A folder as one blob that lists its content", may: writes}
	restoreFileOp = op[resolveFile, files.File]{at: "POST /api/restore", does: "Make an old version current, or undo a removal", may: writes}
	lookupOp      = op[fileName, files.File]{at: "GET /api/lookup/{name...}", does: "What a name or an ID stands for", may: reads}
	historyOp     = op[fileName, []files.File]{at: "GET /api/history/{name...}", does: "All versions of a name, the newest first", may: reads}
	conflictsOp   = op[none, []files.File]{at: "GET /api/conflicts", does: "All versions of the names that have several", may: reads}
	resolveOp     = op[resolveFile, files.File]{at: "POST /api/resolve", does: "End a conflict", may: writes}
)

func (s *server) addFiles() {
	listFilesOp.serve(s, func(ctx context.Context, m *app.Session, in selectFiles) ([]files.File, error) {
		switch {
		case in.Words == "":
			return m.Files.List(ctx, in.Prefix)
		case in.Prefix != "":
			return nil, moot.Errorf(moot.Invalid, "prefix and words cannot be combined")
		}
		return m.Files.Find(ctx, in.Words)
	})
	putFileOp.raw(s, func(m *app.Session, in putFile, w http.ResponseWriter, r *http.Request) error {
		f, err := m.Files.Write(r.Context(), in.Name, r.Body,
			files.WriteOptions{Mode: fs.FileMode(in.Mode), ModTime: in.Modified, Force: in.Force})
		return reply(w, f, err)
	})
	removeFileOp.serve(s, func(ctx context.Context, m *app.Session, in removeFile) (none, error) {
		return none{}, m.Files.Remove(ctx, in.Name, files.RemoveOptions{Recursive: in.Recursive, Now: in.Now})
	})
	readFolderOp.serve(s, func(ctx context.Context, m *app.Session, in readFolder) ([]files.File, error) {
		return m.Files.ReadDir(ctx, in.Name)
	})
	freezeOp.serve(s, func(ctx context.Context, m *app.Session, in fileName) (files.File, error) {
		return m.Files.Freeze(ctx, in.Name)
	})
	restoreFileOp.serve(s, func(ctx context.Context, m *app.Session, in resolveFile) (files.File, error) {
		return m.Files.Restore(ctx, in.Body.Name, in.Body.Version)
	})
	moveFileOp.serve(s, func(ctx context.Context, m *app.Session, in moveFile) (files.File, error) {
		return m.Files.Move(ctx, in.Body.From, in.Body.To, files.MoveOptions{Force: in.Body.Force})
	})
	lookupOp.serve(s, func(ctx context.Context, m *app.Session, in fileName) (files.File, error) {
		return m.Files.Lookup(ctx, in.Name)
	})
	historyOp.serve(s, func(ctx context.Context, m *app.Session, in fileName) ([]files.File, error) {
		return m.Files.History(ctx, in.Name)
	})
	conflictsOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]files.File, error) { return m.Files.Conflicts(ctx) })
	resolveOp.serve(s, func(ctx context.Context, m *app.Session, in resolveFile) (files.File, error) {
		return m.Files.Resolve(ctx, in.Body.Name, in.Body.Version)
	})
	s.addContent()
}

// filesClient is an app.Files.
type filesClient struct{ *client }

var _ app.Files = filesClient{}

func (c filesClient) Write(ctx context.Context, name string, r io.Reader, o files.WriteOptions) (f files.File, err error) {
	resp, err := putFileOp.open(ctx, c.client, putFile{name, fileMode(o.Mode.Perm()), o.ModTime, o.Force}, io.NopCloser(r))
	if err != nil {
		return f, err
	}
	return f, read(resp, &f)
}

func (c filesClient) Lookup(ctx context.Context, name string) (files.File, error) {
	return lookupOp.call(ctx, c.client, fileName{name})
}

func (c filesClient) List(ctx context.Context, prefix string) ([]files.File, error) {
	return listFilesOp.call(ctx, c.client, selectFiles{Prefix: prefix})
}

func (c filesClient) Find(ctx context.Context, words string) ([]files.File, error) {
	return listFilesOp.call(ctx, c.client, selectFiles{Words: words})
}

func (c filesClient) History(ctx context.Context, name string) ([]files.File, error) {
	return historyOp.call(ctx, c.client, fileName{name})
}

func (c filesClient) Conflicts(ctx context.Context) ([]files.File, error) {
	return conflictsOp.call(ctx, c.client, none{})
}

func (c filesClient) Resolve(ctx context.Context, name, version string) (files.File, error) {
	var in resolveFile
	in.Body.Name, in.Body.Version = name, version
	return resolveOp.call(ctx, c.client, in)
}

func (c filesClient) Move(ctx context.Context, from, to string, o files.MoveOptions) (files.File, error) {
	var in moveFile
	in.Body.From, in.Body.To, in.Body.Force = from, to, o.Force
	return moveFileOp.call(ctx, c.client, in)
}

func (c filesClient) Remove(ctx context.Context, name string, o files.RemoveOptions) error {
	return removeFileOp.run(ctx, c.client, removeFile{name, o.Recursive, o.Now})
}

func (c filesClient) ReadDir(ctx context.Context, name string) ([]files.File, error) {
	return readFolderOp.call(ctx, c.client, readFolder{name})
}

func (c filesClient) Freeze(ctx context.Context, name string) (files.File, error) {
	return freezeOp.call(ctx, c.client, fileName{name})
}

func (c filesClient) Restore(ctx context.Context, name, version string) (files.File, error) {
	var in resolveFile
	in.Body.Name, in.Body.Version = name, version
	return restoreFileOp.call(ctx, c.client, in)
}
