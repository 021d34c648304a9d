package store

import (
	"context"
	"embed"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the store, making it if there is none, and applies the acts that it holds
// to the gate. Kinds: Unavailable if another process has it
// open, Invalid if a newer version of this program made it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{
		gate: cfg.Gate, log: cfg.Log,
		requests: make(chan *request), closing: make(chan struct{}), done: make(chan struct{}),
		notify: make(chan struct{}), parts: map[moot.BlobID]*part{}, maxLag: defaultLag, view: view{uncounted: map[moot.Key]bool{}},
	}
	if s.now = cfg.Now; s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.blobs = &blobs{disk: cfg.disk, fail: s.stop}
	if err := s.open(ctx, cfg); err != nil {
		_ = s.release() // err is what is reported
		return nil, moot.Wrap("open the store", err)
	}
	go s.writeLoop()
	return s, nil
}

func (s *Store) open(ctx context.Context, cfg Config) error {
	if err := s.openBlobs(cfg); err != nil {
		return durable.Error("blobs", err)
	}
	if err := s.openDatabase(cfg); err != nil {
		return durable.Error("database", err)
	}
	if err := sqlite.Migrate(ctx, s.write, migrations); err != nil {
		return sqlite.Error("schema", err)
	}
	if err := s.prepareStatements(); err != nil {
		return sqlite.Error("statements", err)
	}
	if err := s.replay(ctx); err != nil {
		return sqlite.Error("replay membership", err)
	}
	return sqlite.Error("forks", s.adoptForks())
}

func (s *Store) openBlobs(cfg Config) error {
	switch {
	case s.blobs.disk != nil:
	case cfg.Blobs == "":
		s.blobs.disk = newMemory()
	default:
		if err := s.lock(cfg.Blobs); err != nil {
			return err
		}
		s.blobs.disk = directory{cfg.Blobs}
	}
	if err := s.blobs.clean(); err != nil {
		return err
	}
	if err := s.blobs.reviveAll(); err != nil {
		return err
	}
	path := ""
	if cfg.Blobs != "" {
		path = filepath.Join(cfg.Blobs, smallFile)
	}
	var err error
	s.small, err = openSmall(path, s.now, s.stop)
	return err
}

// smallFile is the database of small blobs, in the folder of blobs.
const smallFile = "small.db"

// lock makes the folder, durably, and excludes other processes from it.
func (s *Store) lock(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := durable.SyncFolder(filepath.Dir(filepath.Clean(folder))); err != nil {
		return err
	}
	lock, err := durable.Lock(filepath.Join(folder, ".lock"))
	if err == nil {
		s.locks = append(s.locks, lock)
	}
	return err
}

func (s *Store) openDatabase(cfg Config) (err error) {
	if cfg.Database == "" {
		s.write, err = sqlite.OpenMemory()
		s.reads = sqlite.NewStatements(s.write)
		return err
	}
	folder := filepath.Dir(cfg.Database)
	if folder != cfg.Blobs {
		if err := s.lock(folder); err != nil {
			return err
		}
	}
	s.write, s.read, err = sqlite.Open(cfg.Database)
	s.reads = sqlite.NewStatements(s.read)
	return err
}
