package cli

import (
	"context"
	"io"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/folders"
)

type fakeFiles struct{ *fake }

func (f fakeFiles) Share(_ context.Context, path string, o files.ShareOptions) (files.Result, error) {
	o.Progress = nil
	as := o.As
	if as == "" {
		as = path
	}
	return files.Result{File: file(as, 3, 1<<20), Skipped: f.skipped}, f.call("share %s %+v", path, o)
}

func (f fakeFiles) Store(_ context.Context, path string, o files.ShareOptions) (files.Result, error) {
	return files.Result{File: file(path, 9, 100)}, f.call("store bare=%t", o.Bare)
}

func (f fakeFiles) Get(_ context.Context, name, path string, _ files.Progress) (files.Result, error) {
	got := file(name, 3, 10)
	got.Path = "here/" + name
	return files.Result{File: got, Skipped: f.skipped}, f.call("get %s %q", name, path)
}

func (f fakeFiles) Write(context.Context, string, io.Reader, files.WriteOptions) (files.File, error) {
	return files.File{}, f.call("write")
}

func (f fakeFiles) Open(_ context.Context, name string, r moot.Range) (io.ReadCloser, moot.Blob, error) {
	return io.NopCloser(strings.NewReader("bytes of " + name)), moot.Blob{}, f.call("read %s", name)
}

func (f fakeFiles) Lookup(_ context.Context, name string) (files.File, error) {
	if err := f.call("lookup %s", name); err != nil {
		return files.File{}, err
	}
	found, ok := f.lookups[name]
	if !ok {
		return found, moot.Errorf(moot.NotFound, "there is no %q in this space", name)
	}
	return found, nil
}

func (f fakeFiles) list() []files.File {
	if f.found != nil {
		return f.found
	}
	folder, stranger := files.File{Name: "d/b", Item: "ff", Folder: true, Content: 2048, Files: 2}, file("d/c\x1b[2J\n", 5, 1)
	stranger.By, stranger.Author = moot.MemberID{}, moot.Key{9}
	both := file("d/e", 6, 3)
	both.Conflict = true
	return []files.File{file("d/a.txt", 3, 10), folder, stranger, both}
}

func (f fakeFiles) List(_ context.Context, prefix string) ([]files.File, error) {
	return f.list(), f.call("list %q", prefix)
}

func (f fakeFiles) Find(_ context.Context, words string) ([]files.File, error) {
	return f.list()[:1], f.call("find %q", words)
}

func (f fakeFiles) History(_ context.Context, name string) ([]files.File, error) {
	first, removed := file(name, 3, 10), file(name, 0, 0)
	removed.Blob, removed.Deleted = moot.Blob{}, true
	return []files.File{removed, first}, f.call("history %s", name)
}

func (f fakeFiles) Conflicts(context.Context) ([]files.File, error) {
	winner, loser := file("a.txt", 3, 10), file("a (conflict bob).txt", 4, 11)
	winner.Conflict, loser.Conflict, loser.Copy = true, true, true
	return []files.File{winner, loser}, f.call("conflicts")
}

func (f fakeFiles) Resolve(_ context.Context, name, version string) (files.File, error) {
	return file(name, 3, 10), f.call("resolve %s %q", name, version)
}

func (f fakeFiles) Move(_ context.Context, from, to string, o files.MoveOptions) (files.File, error) {
	return file(to, 3, 10), f.call("move %s %s %+v", from, to, o)
}

func (f fakeFiles) Remove(_ context.Context, name string, o files.RemoveOptions) error {
	return f.call("remove %s %+v", name, o)
}

func (f fakeFiles) GetAll(_ context.Context, names []string, dir string, _ files.Progress) ([]files.Result, error) {
	var all []files.Result
	for _, name := range names {
		got := file(name, 3, 10)
		got.Path = "here/" + name
		all = append(all, files.Result{File: got, Skipped: f.skipped})
	}
	return all, f.call("get all %q %q", names, dir)
}

func (f fakeFiles) Freeze(ctx context.Context, name string) (files.File, error) {
	return f.Lookup(ctx, name)
}

func (f fakeFiles) ReadDir(_ context.Context, name string) ([]files.File, error) {
	return f.list(), f.call("read folder %q", name)
}

func (f fakeFiles) Restore(_ context.Context, name, version string) (files.File, error) {
	return file(name, 3, 10), f.call("restore %s %q", name, version)
}

type fakeFolders struct{ *fake }

func (f fakeFolders) Add(_ context.Context, dir string, o folders.Options) (folders.Status, error) {
	return folders.Status{Dir: "/here/" + dir, Name: dir, State: folders.Busy}, f.call("add folder %s %+v", dir, o)
}

func (f fakeFolders) List(context.Context) ([]folders.Status, error) {
	return f.synced, f.call("folders")
}

func (f fakeFolders) Remove(_ context.Context, dir string) error {
	return f.call("remove folder %s", dir)
}

func (f fakeFolders) Pause(_ context.Context, dir string) error { return f.call("pause %s", dir) }

func (f fakeFolders) Resume(_ context.Context, dir string) error { return f.call("resume %s", dir) }

func (f fakeFolders) Select(_ context.Context, dir string, except []string) error {
	return f.call("select %s %q", dir, except)
}

func (f fakeFolders) Revert(_ context.Context, dir string) error { return f.call("revert %s", dir) }

func (f fakeFolders) Once(_ context.Context, dir string, report func(folders.Event)) (folders.Status, error) {
	err := f.call("once %s", dir)
	if err == nil {
		report(folders.Event{What: "sent", Path: "a.txt"})
	}
	return f.after, err
}

func (f fakeFolders) Follow(_ context.Context, dir string, report func(folders.Event)) error {
	err := f.call("follow %s", dir)
	if err == nil {
		report(folders.Event{What: "moved", Path: "a", To: "b"})
		report(folders.Event{What: "failed", Path: "c\n", Why: "no room"})
	}
	return err
}
