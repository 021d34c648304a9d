package store

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the store, making it if there is none, and shows the gate the
// membership entries that it holds. Kinds: Unavailable if another process has it
// open, Invalid if a newer version of this program made it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{
		gate: cfg.Gate, log: cfg.Log, path: cfg.Database,
		requests: make(chan *request), closing: make(chan struct{}), done: make(chan struct{}),
		news: make(chan struct{}), parts: map[moot.BlobID]*part{}, maxLag: defaultLag,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.blobs = &blobs{disk: cfg.disk, fail: s.stop}
	if err := s.open(ctx, cfg); err != nil {
		s.release()
		return nil, moot.Wrap("open the store", err)
	}
	go s.writeLoop()
	return s, nil
}

func (s *Store) open(ctx context.Context, cfg Config) error {
	if err := s.openBlobs(cfg); err != nil {
		return diskError("blobs", err)
	}
	if err := s.openDatabase(cfg); err != nil {
		return diskError("database", err)
	}
	if err := migrate(ctx, s.write); err != nil {
		return sqlError("schema", err)
	}
	if err := s.prepareStatements(); err != nil {
		return sqlError("statements", err)
	}
	if err := s.replay(ctx); err != nil {
		return sqlError("replay membership", err)
	}
	s.forget()
	return nil
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
	return s.blobs.clean()
}

// lock makes the folder, durably, and keeps other processes out of it.
func (s *Store) lock(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := durable.SyncFolder(filepath.Dir(filepath.Clean(folder))); err != nil {
		return err
	}
	lock, err := lockFolder(folder)
	if err == nil {
		s.locks = append(s.locks, lock)
	}
	return err
}

func (s *Store) openDatabase(cfg Config) (err error) {
	if cfg.Database == "" {
		s.write, err = sql.Open("sqlite", ":memory:?_pragma=foreign_keys(1)&_txlock=immediate")
		if err == nil {
			s.write.SetMaxOpenConns(1)
		}
		return err
	}
	folder := filepath.Dir(cfg.Database)
	if folder != cfg.Blobs {
		if err := s.lock(folder); err != nil {
			return err
		}
	}
	if err := private(cfg.Database); err != nil {
		return err
	}
	if s.write, err = sql.Open("sqlite", dsn(cfg.Database, "&_txlock=immediate")); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", dsn(cfg.Database, "&_pragma=query_only(1)")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return nil
}

// readers is how many queries run at once; more wait.
const readers = 8

// private makes the database file, so that SQLite need not choose who may read it.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return cmpErr(f.Close(), durable.SyncFolder(filepath.Dir(path)))
}

// dsn names the database as an SQLite URI. fullfsync concerns macOS, where a plain
// fsync does not reach the disk.
func dsn(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)" + more
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > knows {
		return moot.Errorf(moot.Invalid, "the database was made by a newer version of Moot (its schema is %d, this program knows %d)", has, knows)
	}
	_, err = provider.Up(ctx)
	return err
}

// readDB returns where to read from.
func (s *Store) readDB() *sql.DB {
	if s.read == nil {
		return s.write
	}
	return s.read
}
