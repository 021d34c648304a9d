// Package folders keeps directories of this machine in step with folders of the space:
// what is changed on a disk is stated, what is new in the space is put in place. Three trees
// – what the space shows, what the disk holds, and what both have agreed on – give every
// difference a direction (Pierce and Vouillon, "What's in Unison?", 2004). Observations are
// stored, plans never.
//
// It must not know an architecture, a link or a store.
package folders

import (
	"context"
	"io/fs"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ignore"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/sqlite"
	"github.com/mootspace/moot/internal/tree"
)

// Space is the space's files, through an architecture.
type Space interface {
	// View lets the tree be read; nothing else may be done meanwhile.
	View(ctx context.Context, read func(*tree.Tree) error) error
	// Changed is signalled when the tree may be another.
	Changed(ctx context.Context) <-chan struct{}
	// State signs a change, and returns the entry of each of its bodies. If it fails they may
	// be stored all the same, the first ones first.
	State(ctx context.Context, bodies []tree.Body) ([]moot.EntryID, error)
	// Stated returns the entries that this member has made of bodies with these keys and
	// hashes; zero for those that are none.
	Stated(ctx context.Context, bodies []Stated) ([]moot.EntryID, error)
	// Hash names the bytes of a file, so that they can be served from where it lies.
	Hash(ctx context.Context, f localdir.File) (moot.Blob, error)
	// Store hands over bytes that are about to be named to those who hold them beside this
	// disk; with keep to this node's store, too.
	Store(ctx context.Context, keep bool, list []Content, open func(path string) (localdir.File, error)) error
	// GetMany returns small blobs, from this machine or others.
	GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error]
	// Fetch writes a large blob to a staged file of a directory, and returns its name there.
	Fetch(ctx context.Context, b moot.Blob, dir Staging, mode fs.FileMode, modified time.Time) (string, error)
	// Retain takes in the bytes of versions that were replaced or removed on this disk, if
	// nobody else is sure to retain them.
	Retain(ctx context.Context, list []Old, open func(path string) (localdir.File, error)) error
}

// Staging is where a large file is written.
type Staging struct {
	localdir.Dir
	Root string // absolute path of the directory
	Name string // a name in it that is free
}

// Config of a Service.
type Config struct {
	Database string // path of its database
	Space    Space
	Now      func() time.Time
	Log      *slog.Logger
	// Add marks a directory, and Open opens one that was marked; nil: those of localdir.
	Add, Open func(path string) (localdir.Dir, error)
}

// Service keeps directories in step while it runs, and remembers them.
type Service struct {
	cfg      Config
	database database

	mu      sync.Mutex
	folders map[string]*runner // by directory
	running context.Context    //nolint:containedctx // of Run; nil while nothing runs
}

// Options of a folder that is added.
type Options struct {
	Name     string   `json:"name,omitempty"`      // path in the space; empty: the directory's own name
	ReadOnly bool     `json:"read_only,omitempty"` // what is changed here is not sent
	Keep     bool     `json:"keep,omitempty"`      // a second copy of what is sent stays in the store
	Ignore   []string `json:"ignore,omitempty"`    // patterns, as in .mootignore
	Except   []string `json:"except,omitempty"`    // folders that are not wanted here
}

// New opens the service's database; no directory is touched yet.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Add == nil {
		cfg.Add = addDir
	}
	if cfg.Open == nil {
		cfg.Open = openDir
	}
	d, err := openDatabase(ctx, cfg.Database)
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, database: d, folders: map[string]*runner{}}
	list, err := d.folders(ctx)
	if err != nil {
		_ = d.db.Close() // err is what is reported
		return nil, err
	}
	for _, one := range list {
		s.folders[one.dir] = newRunner(s, one)
	}
	return s, nil
}

func addDir(path string) (localdir.Dir, error) {
	d, err := localdir.Add(path)
	if err != nil {
		return nil, err // not an interface that holds nil
	}
	return d, nil
}

func openDir(path string) (localdir.Dir, error) {
	d, err := localdir.Open(path)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Backup writes a consistent copy of the database to a new file.
func (s *Service) Backup(ctx context.Context, path string) error {
	return sqlite.Copy(ctx, s.database.db, path)
}

// Close lets go of the database; Run must have ended.
func (s *Service) Close() error { return s.database.db.Close() }

// Run keeps all folders in step until ctx ends.
func (s *Service) Run(ctx context.Context) {
	var group sync.WaitGroup
	s.mu.Lock()
	s.running = ctx
	for _, r := range s.folders {
		r.start(ctx, &group)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.running = nil
	runners := make([]*runner, 0, len(s.folders))
	for _, r := range s.folders {
		runners = append(runners, r)
	}
	s.mu.Unlock()
	for _, r := range runners {
		r.stop()
	}
	group.Wait()
}

// Add has a directory kept in step from now on. Kinds: Invalid, Conflict if it overlaps
// with one that is.
func (s *Service) Add(ctx context.Context, dir string, o Options) (Status, error) {
	one, err := s.describe(dir, o)
	if err != nil {
		return Status{}, moot.Wrap("sync "+dir, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.overlaps(one); err != nil {
		return Status{}, moot.Wrap("sync "+dir, err)
	}
	opened, err := s.cfg.Add(one.dir)
	if err != nil {
		return Status{}, moot.Wrap("sync "+dir, err)
	}
	one.settings.Mark, err = opened.Mark()
	if err = firstErr(err, opened.Close()); err != nil {
		return Status{}, moot.Wrap("sync "+dir, err)
	}
	if err := s.database.put(ctx, &one); err != nil {
		return Status{}, err
	}
	r := newRunner(s, one)
	r.log.fresh = true
	s.folders[one.dir] = r
	if s.running != nil {
		r.start(s.running, nil)
	}
	return r.Status(), nil
}

// describe checks what is to be added.
func (s *Service) describe(dir string, o Options) (stored, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return stored{}, moot.Errorf(moot.NotFound, "there is no directory %s", dir)
	}
	name := strings.Trim(o.Name, "/")
	if name == "" {
		name = filepath.Base(abs)
	}
	if err := tree.CheckPath(name); err != nil {
		return stored{}, err
	}
	return stored{dir: abs, settings: settings{Name: name, ReadOnly: o.ReadOnly, Keep: o.Keep, Ignore: o.Ignore, Except: o.Except}}, nil
}

// overlaps reports, with kind Conflict, that a directory or what it shows is in step with
// another one already.
func (s *Service) overlaps(one stored) error {
	for dir, r := range s.folders {
		switch {
		case dir == one.dir:
			return moot.Errorf(moot.Conflict, "it is kept in step already, with %q", r.name())
		case within(one.dir, dir, string(filepath.Separator)) || within(dir, one.dir, string(filepath.Separator)):
			return moot.Errorf(moot.Conflict, "%s is kept in step already, and one lies in the other", dir)
		}
	}
	return nil
}

func within(inner, outer, separator string) bool {
	return strings.HasPrefix(inner, strings.TrimSuffix(outer, separator)+separator)
}

// find returns the folder of a directory, or of a name in the space. Kind NotFound.
func (s *Service) find(dir string) (*runner, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	abs, err := filepath.Abs(dir)
	if err == nil {
		if resolved, err := filepath.EvalSymlinks(abs); err == nil {
			abs = resolved
		}
	}
	if r := s.folders[abs]; r != nil {
		return r, nil
	}
	for _, r := range s.folders {
		if r.name() == strings.Trim(dir, "/") {
			return r, nil
		}
	}
	return nil, moot.WithHint(moot.Errorf(moot.NotFound, "%s is not kept in step", dir), moot.HintListFolders)
}

// List returns all folders, by directory.
func (s *Service) List() (list []Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.folders {
		list = append(list, r.Status())
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Dir, b.Dir) })
	return list
}

// Remove forgets a folder; its files stay where they are. Kind NotFound.
func (s *Service) Remove(ctx context.Context, dir string) error {
	r, err := s.find(dir)
	if err != nil {
		return err
	}
	r.stop()
	s.mu.Lock()
	delete(s.folders, r.stored.dir)
	s.mu.Unlock()
	return s.database.drop(ctx, r.stored.row)
}

// Pause ends, and Resume goes on with, keeping a folder in step. Kind NotFound.
func (s *Service) Pause(ctx context.Context, dir string) error { return s.pause(ctx, dir, true) }

// Resume is the opposite of Pause.
func (s *Service) Resume(ctx context.Context, dir string) error { return s.pause(ctx, dir, false) }

func (s *Service) pause(ctx context.Context, dir string, paused bool) error {
	r, err := s.find(dir)
	if err != nil {
		return err
	}
	return r.configure(ctx, func(o *settings) { o.Paused = paused })
}

// Select sets which folders below a synced one are not wanted on this disk. What is not
// wanted any more is removed here, and here alone. Kind NotFound.
func (s *Service) Select(ctx context.Context, dir string, except []string) error {
	r, err := s.find(dir)
	if err != nil {
		return err
	}
	return r.configure(ctx, func(o *settings) { o.Except = slices.Clone(except) })
}

// Revert gives up what was changed in a read-only folder: it becomes what the space shows.
func (s *Service) Revert(ctx context.Context, dir string) error {
	r, err := s.find(dir)
	if err != nil {
		return err
	}
	return r.revert(ctx)
}

// Once brings a folder in step with the space once, and returns when nothing is left to do
// that can be done now.
func (s *Service) Once(ctx context.Context, dir string, report func(Event)) (Status, error) {
	r, err := s.find(dir)
	if err != nil {
		return Status{}, err
	}
	return r.once(ctx, report)
}

// Follow calls report with what happens in a folder, until ctx ends.
func (s *Service) Follow(ctx context.Context, dir string, report func(Event)) error {
	r, err := s.find(dir)
	if err != nil {
		return err
	}
	return r.follow(ctx, report)
}

// Event is something that was done in a folder.
type Event struct {
	What string `json:"what"` // sent, received, moved, made, changed, removed, conflict copy, failed
	Path string `json:"path"`
	To   string `json:"to,omitempty"`  // of a move
	Why  string `json:"why,omitempty"` // of a failure
}

// patterns returns the patterns that hold in a directory beside those of its own files.
func patterns(o settings) *ignore.Set {
	return ignore.New(o.Ignore...)
}
