package folders

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/sqlite"
	"github.com/mootspace/moot/internal/tree"
)

//go:embed migrations/*.sql
var migrations embed.FS

// database holds what was agreed on. It may lose its last transactions with a power
// failure: what is missing is found by looking again, and content that the space has is
// adopted.
type database struct{ db *sql.DB }

func openDatabase(ctx context.Context, path string) (database, error) {
	db, err := sqlite.OpenExclusive(path)
	if err != nil {
		return database{}, sqlite.Error("open the synced folders", err)
	}
	if _, err = db.ExecContext(ctx, `PRAGMA synchronous = NORMAL`); err == nil {
		err = sqlite.Migrate(ctx, db, migrations)
	}
	if err != nil {
		_ = db.Close() // err is what is reported
		return database{}, sqlite.Error("open the synced folders", err)
	}
	return database{db}, nil
}

var decoder = cbor.NewDecoder(cbor.Limits{Elements: 1 << 16})

// settings of one synced folder, as they are stored.
type settings struct {
	Name     string    `cbor:"0,keyasint"`           // path in the space
	Items    []tree.ID `cbor:"1,keyasint"`           // the folder of the space; empty before it exists
	ReadOnly bool      `cbor:"2,keyasint,omitempty"` // nothing is sent
	Paused   bool      `cbor:"3,keyasint,omitempty"` //
	Keep     bool      `cbor:"4,keyasint,omitempty"` // a second copy of what is sent stays in the store
	Except   []string  `cbor:"5,keyasint,omitempty"` // paths that are not wanted here
	Ignore   []string  `cbor:"6,keyasint,omitempty"` // patterns beside those of .mootignore
	Mark     string    `cbor:"7,keyasint"`           // of the directory
	Device   uint64    `cbor:"8,keyasint"`
}

// folders returns all folders: rows, directories, settings.
func (d database) folders(ctx context.Context) (list []stored, err error) {
	rows, err := d.db.QueryContext(ctx, `SELECT id, dir, settings FROM folders ORDER BY dir`)
	if err != nil {
		return nil, sqlite.Error("read the synced folders", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s stored
		var raw []byte
		if err := rows.Scan(&s.row, &s.dir, &raw); err != nil {
			return nil, sqlite.Error("read the synced folders", err)
		}
		if err := decoder.Unmarshal(raw, &s.settings); err != nil {
			return nil, moot.Errorf(moot.Corrupt, "the settings of %s are damaged: %w", s.dir, err)
		}
		list = append(list, s)
	}
	return list, sqlite.Error("read the synced folders", rows.Err())
}

type stored struct {
	row int64
	dir string
	settings
}

// put stores a folder's settings, and sets its row if it is new.
func (d database) put(ctx context.Context, s *stored) error {
	raw, err := cbor.Marshal(s.settings)
	if err != nil {
		return err
	}
	err = d.db.QueryRowContext(ctx, `INSERT INTO folders (dir, settings) VALUES (?, ?)
		ON CONFLICT (dir) DO UPDATE SET settings = excluded.settings RETURNING id`, s.dir, raw).Scan(&s.row)
	return sqlite.Error("store a synced folder", err)
}

func (d database) drop(ctx context.Context, row int64) error {
	_, err := d.db.ExecContext(ctx, `DELETE FROM folders WHERE id = ?`, row)
	return sqlite.Error("forget a synced folder", err)
}

// row is a record as it is stored.
type row struct {
	_        struct{}       `cbor:",toarray"`
	Kind     tree.Type      //
	Item     tree.ID        //
	Folders  []tree.ID      //
	Parent   tree.ID        //
	Name     string         //
	Versions []tree.Version //
	Blob     moot.BlobID    //
	Size     int64          //
	Target   string         //
	Mode     uint32         //
	ModTime  [2]int64       // seconds, nanoseconds
	Copy     bool           //
	Since    int64          // seconds
	Stat     []byte         // as localdir encodes it; empty: it is not on the disk yet
	Next     *next          //
}

func encodeRow(n *node) ([]byte, error) {
	r := row{
		Kind: n.kind, Item: n.Item, Folders: n.Folders, Parent: n.Parent, Name: n.Name, Versions: n.Versions,
		Blob: n.Blob.ID, Size: n.Blob.Size, Target: n.Target, Mode: uint32(n.Mode.Perm()),
		ModTime: [2]int64{n.ModTime.Unix(), int64(n.ModTime.Nanosecond())},
		Copy:    n.Copy, Since: n.Since.Unix(), Next: n.Next,
	}
	if n.Stat.Inode != 0 {
		r.Stat = encodeStat(n.Stat)
	}
	return cbor.Marshal(r)
}

func decodeRow(raw []byte) (kind tree.Type, r record, err error) {
	var s row
	if err := decoder.Unmarshal(raw, &s); err != nil {
		return 0, r, moot.Errorf(moot.Corrupt, "a record of a synced folder is damaged: %w", err)
	}
	r = record{
		Item: s.Item, Folders: s.Folders, Parent: s.Parent, Name: s.Name, Versions: s.Versions,
		Blob: moot.Blob{ID: s.Blob, Size: s.Size}, Target: s.Target, Mode: fs.FileMode(s.Mode).Perm(),
		ModTime: time.Unix(s.ModTime[0], s.ModTime[1]).UTC(), Copy: s.Copy, Since: time.Unix(s.Since, 0), Next: s.Next,
	}
	if len(s.Stat) > 0 {
		r.Stat, err = decodeStat(s.Stat)
	}
	return s.Kind, r, err
}

// load reads what was agreed on in a folder.
func (d database) load(ctx context.Context, folder int64) (*local, error) {
	l := newLocal()
	rows, err := d.db.QueryContext(ctx, `SELECT id, parent, name, record FROM nodes WHERE folder = ?`, folder)
	if err != nil {
		return nil, sqlite.Error("read a synced folder", err)
	}
	defer rows.Close()
	nodes, parents := map[int64]*node{}, map[*node]int64{}
	for rows.Next() {
		n := &node{}
		var parent int64
		var raw []byte
		if err := rows.Scan(&n.id, &parent, &n.name, &raw); err != nil {
			return nil, sqlite.Error("read a synced folder", err)
		}
		if n.kind, n.record, err = decodeRow(raw); err != nil {
			return nil, err
		}
		if n.kind == tree.Folder {
			n.children = map[string]*node{}
		}
		nodes[n.id], parents[n] = n, parent
	}
	for n, parent := range parents {
		n.parent = l.root
		if parent != 0 {
			n.parent = nodes[parent]
		}
		if n.parent == nil || n.parent.children == nil { // cannot be: found by looking again
			l.dropped = append(l.dropped, n.id)
			continue
		}
		l.count++
		l.index(n)
		if n.parent.children[n.name] != nil {
			l.strays = append(l.strays, n)
			continue
		}
		n.parent.children[n.name] = n
	}
	return l, sqlite.Error("read a synced folder", rows.Err())
}

// save stores in one transaction what was agreed on since the last time, and what is
// intended now; nil: nothing.
func (d database) save(ctx context.Context, folder int64, l *local, intent []byte) error {
	if len(l.unsaved) == 0 && len(l.dropped) == 0 && intent == nil && !l.intended {
		return nil
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return sqlite.Error("store a synced folder", err)
	}
	defer tx.Rollback()
	s := saver{folder: folder}
	if err = s.prepare(tx); err == nil {
		err = s.all(l)
	}
	if err == nil {
		err = s.intend(tx, intent)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err == nil {
		clear(l.unsaved)
		l.dropped, l.intended = nil, intent != nil
	}
	return sqlite.Error("store a synced folder", err)
}

// intend replaces what is intended.
func (s *saver) intend(tx *sql.Tx, intent []byte) (err error) {
	if intent == nil {
		_, err = tx.Exec(`DELETE FROM intents WHERE folder = ?`, s.folder)
	} else {
		_, err = tx.Exec(`INSERT OR REPLACE INTO intents (folder, intent) VALUES (?, ?)`, s.folder, intent)
	}
	return err
}

// intent returns what is intended; nil if nothing is.
func (d database) intent(ctx context.Context, folder int64) (raw []byte, err error) {
	err = d.db.QueryRowContext(ctx, `SELECT intent FROM intents WHERE folder = ?`, folder).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return raw, sqlite.Error("read a synced folder", err)
}

type saver struct {
	folder               int64
	insert, update, drop *sql.Stmt
}

func (s *saver) prepare(tx *sql.Tx) (err error) {
	for _, one := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.insert, `INSERT INTO nodes (folder, parent, name, record) VALUES (?, ?, ?, ?)`},
		{&s.update, `UPDATE nodes SET parent = ?, name = ?, record = ? WHERE id = ?`},
		{&s.drop, `DELETE FROM nodes WHERE id = ?`},
	} {
		if *one.stmt, err = tx.Prepare(one.text); err != nil {
			return err
		}
	}
	return nil
}

func (s *saver) all(l *local) error {
	for _, id := range l.dropped {
		if _, err := s.drop.Exec(id); err != nil {
			return err
		}
	}
	for n := range l.unsaved {
		if err := s.one(n); err != nil {
			return err
		}
	}
	return nil
}

// one stores a node, and its parents first if they have no row. What was moved on the
// disk only is stored where it was agreed to be, once that is so.
func (s *saver) one(n *node) error {
	if n.parent == nil || n.moved || n.Item == (tree.ID{}) && n.Next == nil {
		return nil
	}
	if n.parent.parent != nil && n.parent.id == 0 {
		if err := s.one(n.parent); err != nil || n.parent.id == 0 {
			return err
		}
	}
	raw, err := encodeRow(n)
	if err != nil {
		return err
	}
	if n.id != 0 {
		_, err = s.update.Exec(n.parent.id, n.name, raw, n.id)
		return err
	}
	res, err := s.insert.Exec(s.folder, n.parent.id, n.name, raw)
	if err == nil {
		n.id, err = res.LastInsertId()
	}
	return err
}

func encodeStat(s localdir.Stat) []byte {
	raw, _ := cbor.Marshal(statRow{
		Type: uint32(s.Type), Mode: uint32(s.Mode), Size: s.Size, ModTime: split(s.ModTime), ChangeTime: split(s.ChangeTime),
		Born: split(s.Born), Inode: s.Inode, Device: s.Device, Links: s.Links,
	}) // fails for no value
	return raw
}

type statRow struct {
	_          struct{} `cbor:",toarray"`
	Type, Mode uint32
	Size       int64
	ModTime    [2]int64
	ChangeTime [2]int64
	Born       [2]int64
	Inode      uint64
	Device     uint64
	Links      uint64
}

func split(t time.Time) [2]int64 { return [2]int64{t.Unix(), int64(t.Nanosecond())} }

func decodeStat(raw []byte) (s localdir.Stat, err error) {
	var r statRow
	if err := decoder.Unmarshal(raw, &r); err != nil {
		return s, moot.Errorf(moot.Corrupt, "a record of a synced folder is damaged: %w", err)
	}
	at := func(t [2]int64) time.Time { return time.Unix(t[0], t[1]) }
	return localdir.Stat{
		Type: fs.FileMode(r.Type), Mode: fs.FileMode(r.Mode), Size: r.Size, ModTime: at(r.ModTime), ChangeTime: at(r.ChangeTime),
		Born: at(r.Born), Inode: r.Inode, Device: r.Device, Links: r.Links,
	}, nil
}
