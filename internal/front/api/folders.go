package api

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/folders"
)

type addFolder struct {
	Body struct {
		folders.Options
		Path string `json:"path"` // absolute
		Seen *seen  `json:"seen,omitempty" doc:"What the program sees there; the node refuses if it sees something else."`
	}
}

type folderName struct {
	Folder string `query:"folder" doc:"Its directory, absolute, or its name in the space."`
}

type selectFolders struct {
	Folder string `query:"folder" doc:"Its directory, absolute, or its name in the space."`
	Body   struct {
		Except []string `json:"except" doc:"Folders in it that are not wanted on this machine; none: all are."`
	}
}

// Operations on the directories of the node's machine that are kept in step with the space.
var (
	listFoldersOp   = op[none, []folders.Status]{at: "GET /api/local/folders", does: "Synced folders, by directory", may: localReads}
	addFolderOp     = op[addFolder, folders.Status]{at: "POST /api/local/folders", does: "Keep a directory in step from now on", may: localWrites}
	removeFolderOp  = op[folderName, none]{at: "DELETE /api/local/folders", does: "Forget a synced folder; its files stay where they are", may: localWrites}
	pauseFolderOp   = op[folderName, none]{at: "POST /api/local/folders/pause", does: "Pause a synced folder", may: localWrites}
	resumeFolderOp  = op[folderName, none]{at: "POST /api/local/folders/resume", does: "Go on with a paused folder", may: localWrites}
	selectFoldersOp = op[selectFolders, none]{at: "PUT /api/local/folders/except", does: "Set what of a synced folder is not wanted on this machine", may: localWrites}
	revertFolderOp  = op[folderName, none]{at: "POST /api/local/folders/revert", does: "Give up what was changed in a read-only folder", may: localWrites}
	syncOnceOp      = op[folderName, line[folders.Event, folders.Status]]{at: "POST /api/local/folders/once", does: "Bring a synced folder in step now", may: localWrites, gives: typeLines}
	followFolderOp  = op[folderName, line[folders.Event, none]]{at: "GET /api/local/folders/events", does: "Follow what happens in a synced folder", may: localReads, gives: typeLines}
)

func (s *server) addFolders() {
	listFoldersOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]folders.Status, error) {
		return m.Folders.List(ctx)
	})
	addFolderOp.serve(s, func(ctx context.Context, m *app.Session, in addFolder) (folders.Status, error) {
		if err := compare(in.Body.Path, in.Body.Seen); err != nil {
			return folders.Status{}, moot.Wrap("sync "+in.Body.Path, err)
		}
		return m.Folders.Add(ctx, in.Body.Path, in.Body.Options)
	})
	change := func(o op[folderName, none], do func(app.Folders, context.Context, string) error) {
		o.serve(s, func(ctx context.Context, m *app.Session, in folderName) (none, error) {
			return none{}, do(m.Folders, ctx, in.Folder)
		})
	}
	change(removeFolderOp, app.Folders.Remove)
	change(pauseFolderOp, app.Folders.Pause)
	change(resumeFolderOp, app.Folders.Resume)
	change(revertFolderOp, app.Folders.Revert)
	selectFoldersOp.serve(s, func(ctx context.Context, m *app.Session, in selectFolders) (none, error) {
		return none{}, m.Folders.Select(ctx, in.Folder, in.Body.Except)
	})
	stream(s, syncOnceOp, func(ctx context.Context, m *app.Session, in folderName, emit func(folders.Event) error) (st folders.Status, err error) {
		err = queued(ctx, emit, func(ctx context.Context, report func(folders.Event)) error {
			st, err = m.Folders.Once(ctx, in.Folder, report)
			return err
		})
		return st, err
	})
	stream(s, followFolderOp, func(ctx context.Context, m *app.Session, in folderName, emit func(folders.Event) error) (none, error) {
		return none{}, queued(ctx, emit, func(ctx context.Context, report func(folders.Event)) error {
			return m.Folders.Follow(ctx, in.Folder, report)
		})
	})
}

// foldersClient is an app.Folders.
type foldersClient struct{ *client }

var _ app.Folders = foldersClient{}

// Add implements app.Folders.
func (c foldersClient) Add(ctx context.Context, dir string, o folders.Options) (st folders.Status, err error) {
	var in addFolder
	in.Body.Options = o
	if in.Body.Path, in.Body.Seen, err = locate(dir); err != nil {
		return st, moot.Wrap("sync "+dir, err)
	}
	return addFolderOp.call(ctx, c.client, in)
}

func (c foldersClient) List(ctx context.Context) ([]folders.Status, error) {
	return listFoldersOp.call(ctx, c.client, none{})
}

// find returns the directory of the folder that dir stands for here: the node's working
// directory is another.
func (c foldersClient) find(ctx context.Context, dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", pathError(err)
	}
	target, err := filepath.EvalSymlinks(abs)
	if err != nil {
		target = abs // it may be gone
	}
	list, err := c.List(ctx)
	if err != nil {
		return "", err
	}
	named := ""
	for _, st := range list {
		switch {
		case st.Dir == abs || st.Dir == target:
			return st.Dir, nil
		case st.Name == strings.Trim(dir, "/"):
			named = st.Dir
		}
	}
	if named == "" {
		return "", moot.WithHint(moot.Errorf(moot.NotFound, "%s is not kept in step", dir), moot.HintListFolders)
	}
	return named, nil
}

// run performs an operation on the folder that dir stands for.
func (c foldersClient) run(ctx context.Context, o op[folderName, none], dir string) error {
	found, err := c.find(ctx, dir)
	if err != nil {
		return err
	}
	return o.run(ctx, c.client, folderName{found})
}

func (c foldersClient) Remove(ctx context.Context, dir string) error {
	return c.run(ctx, removeFolderOp, dir)
}

func (c foldersClient) Pause(ctx context.Context, dir string) error {
	return c.run(ctx, pauseFolderOp, dir)
}

func (c foldersClient) Resume(ctx context.Context, dir string) error {
	return c.run(ctx, resumeFolderOp, dir)
}

func (c foldersClient) Revert(ctx context.Context, dir string) error {
	return c.run(ctx, revertFolderOp, dir)
}

func (c foldersClient) Select(ctx context.Context, dir string, except []string) error {
	found, err := c.find(ctx, dir)
	if err != nil {
		return err
	}
	in := selectFolders{Folder: found}
	in.Body.Except = append([]string{}, except...)
	return selectFoldersOp.run(ctx, c.client, in)
}

// Once implements app.Folders.
func (c foldersClient) Once(ctx context.Context, dir string, report func(folders.Event)) (st folders.Status, err error) {
	found, err := c.find(ctx, dir)
	if err != nil {
		return st, err
	}
	return wait(ctx, c.client, syncOnceOp, folderName{found}, optional(report))
}

// Follow implements app.Folders.
func (c foldersClient) Follow(ctx context.Context, dir string, report func(folders.Event)) error {
	found, err := c.find(ctx, dir)
	if err == nil {
		_, err = wait(ctx, c.client, followFolderOp, folderName{found}, optional(report))
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

func optional(report func(folders.Event)) func(folders.Event) {
	if report == nil {
		return func(folders.Event) {}
	}
	return report
}
