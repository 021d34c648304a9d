package files

import (
	"context"
	iofs "io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/mootspace/moot"
)

// SyncOptions shape how a directory is synced.
type SyncOptions struct {
	Prefix  string                  // the names below which its files are shared; "" is its base name
	Once    bool                    // sync both sides once, and end
	Changed func(what, path string) // called for each change; may be nil
}

// Sync synchronises a directory and the names below a prefix, both ways, until ctx ends.
// A file changed on both sides stays as it is locally and becomes a conflict of the name;
// the other versions are written beside it as conflict copies until it is resolved. Kinds: Invalid, and those of Get and Share.
func (fs *Files) Sync(ctx context.Context, dir string, o SyncOptions) error {
	s, err := fs.newSyncer(dir, o)
	if err != nil {
		return moot.Wrap("sync "+dir, err)
	}
	if o.Once {
		return moot.Wrap("sync "+dir, s.pass(ctx))
	}
	err = s.run(ctx)
	if ctx.Err() != nil {
		return nil // interrupted, as it is meant to end
	}
	return moot.Wrap("sync "+dir, err)
}

// syncer synchronises one directory.
type syncer struct {
	files   *Files
	dir     string
	prefix  string // with a slash at its end
	changed func(what, path string)
	state   syncState
	saved   []byte            // the state as it was last written
	failure string            // the last error, which was reported
	watch   *fsnotify.Watcher // nil with Once
}

func (fs *Files) newSyncer(dir string, o SyncOptions) (*syncer, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, osError(err)
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return nil, moot.Errorf(moot.Invalid, "there is no such directory")
	}
	prefix := strings.TrimSuffix(o.Prefix, "/")
	if prefix == "" {
		prefix = filepath.Base(abs)
	}
	if err := CheckName(prefix); err != nil {
		return nil, err
	}
	if o.Changed == nil {
		o.Changed = func(string, string) {}
	}
	s := &syncer{files: fs, dir: abs, prefix: prefix + "/", changed: o.Changed}
	s.state, err = loadState(s.path(stateFile), s.prefix)
	return s, err
}

func (s *syncer) path(rel string) string { return filepath.Join(s.dir, filepath.FromSlash(rel)) }

const (
	debounce    = 100 * time.Millisecond // without events before a pass
	maxDebounce = 2 * time.Second        // the same, with events that do not end
	rescan      = time.Minute            // for changes without an event
	retry       = 2 * time.Second        // after a failure
)

// run syncs until ctx ends. A failure is reported, and tried again.
func (s *syncer) run(ctx context.Context) (err error) {
	if s.watch, err = fsnotify.NewWatcher(); err != nil {
		return osError(err)
	}
	defer s.watch.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	remote := make(chan struct{}, 1)
	go s.listen(ctx, remote)
	next := time.NewTimer(0)
	defer next.Stop()
	var first time.Time // event since the last pass
	soon := func() {
		if first.IsZero() {
			first = time.Now()
		}
		next.Reset(max(0, min(debounce, maxDebounce-time.Since(first))))
	}
	for {
		select {
		case e := <-s.watch.Events:
			if !ours(filepath.Base(e.Name)) {
				soon()
			}
		case <-s.watch.Errors: //nolint:errcheck // whatever it is, the answer is to scan
			soon() // events were lost: scan everything
		case <-remote:
			soon()
		case <-next.C:
			first = time.Time{}
			next.Reset(s.attempt(ctx))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// attempt runs a pass, and returns the time until the next if no event comes. The same
// failure is reported once.
func (s *syncer) attempt(ctx context.Context) time.Duration {
	err := s.pass(ctx)
	if err == nil || ctx.Err() != nil {
		s.failure = ""
		return rescan
	}
	if s.failure != err.Error() {
		s.failure = err.Error()
		s.changed("failed: "+s.failure+":", s.dir)
	}
	return retry
}

// ours reports whether a file is one that this package makes for itself.
func ours(base string) bool { return strings.HasPrefix(base, tempPrefix) }

// listen signals remote changes.
func (s *syncer) listen(ctx context.Context, remote chan<- struct{}) {
	for ctx.Err() == nil {
		since, err := s.files.node.Vector(ctx)
		notify(remote) // for what came before
		if err == nil {
			for e, err := range s.files.node.Watch(ctx, since) {
				if err != nil {
					break
				}
				if e.Kind == moot.KindFile && strings.HasPrefix(e.Key, s.prefix) {
					notify(remote)
				}
			}
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
	}
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pass synchronises both sides once.
func (s *syncer) pass(ctx context.Context) error {
	if _, err := os.Stat(s.path(stateFile)); err != nil && len(s.state.Files) > 0 {
		return moot.Errorf(moot.Unavailable, "its %s is gone: is the disk still mounted? Nothing was removed for others", stateFile)
	}
	local, err := s.scan()
	if err != nil {
		return err
	}
	remote := map[string][]File{}
	err = s.files.versions(ctx, moot.Query{Kind: moot.KindFile, Prefix: s.prefix}, func(f File) {
		rel := strings.TrimPrefix(f.Name, s.prefix)
		if !f.Folder && isSyncable(rel) {
			remote[rel] = append(remote[rel], f)
		}
	})
	if err != nil {
		return err
	}
	failed := s.reconcileAll(ctx, local, remote)
	if err := s.save(); err != nil && failed == nil { // also after a failure: the rest was done
		failed = err
	}
	return failed
}

// reconcileAll reconciles all files, and returns the first error.
func (s *syncer) reconcileAll(ctx context.Context, local map[string]*stat, remote map[string][]File) (failed error) {
	names := map[string]bool{}
	for rel := range local {
		names[rel] = true
	}
	for rel := range remote {
		names[rel] = true
	}
	for rel := range s.state.Files {
		names[rel] = true
	}
	for _, rel := range slices.Sorted(maps.Keys(names)) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := s.reconcile(ctx, rel, local[rel], remote[rel])
		if moot.KindOf(err) == moot.Full {
			return err
		}
		if err != nil && failed == nil {
			failed = moot.Wrap(rel, err)
		}
	}
	return failed
}

// stat is the state of a local file as scanned.
type stat struct {
	Size    int64         `json:"size"`
	ModTime int64         `json:"mtime"` // ns since 1970
	Mode    iofs.FileMode `json:"mode"`
}

func statOf(info iofs.FileInfo) *stat {
	return &stat{info.Size(), info.ModTime().UnixNano(), info.Mode().Perm()}
}

// watchFolder subscribes to changes in a directory. Systems limit how many can be
// watched; changes in others are found by the next scan.
func (s *syncer) watchFolder(path string) {
	if s.watch == nil {
		return
	}
	if err := s.watch.Add(path); err != nil {
		s.files.log.Warn("a folder cannot be watched: changes in it are found late", "path", path, "error", err)
	}
}

// scan finds the local files, and watches their directories.
func (s *syncer) scan() (map[string]*stat, error) {
	copies := s.state.copies()
	found := map[string]*stat{}
	err := filepath.WalkDir(s.dir, func(path string, d iofs.DirEntry, err error) error {
		switch {
		case err != nil && path != s.dir && os.IsNotExist(err):
			return nil // removed during the scan
		case err != nil:
			return err
		case path != s.dir && ours(d.Name()) && d.IsDir():
			return filepath.SkipDir // a folder that is being fetched
		case path != s.dir && ours(d.Name()):
			return nil
		case d.IsDir():
			s.watchFolder(path)
			return nil
		}
		rel, err := filepath.Rel(s.dir, path)
		rel = filepath.ToSlash(rel)
		if err != nil || !d.Type().IsRegular() || copies[rel] {
			return err
		}
		if CheckName(s.prefix+rel) != nil {
			s.files.log.Warn("left out, because it cannot be a name", "path", path)
			return nil
		}
		info, err := d.Info()
		if err == nil {
			found[rel] = statOf(info)
		} else if os.IsNotExist(err) {
			err = nil
		}
		return err
	})
	return found, osError(err)
}
