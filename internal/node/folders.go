package node

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/folders"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/tree"
)

// folderSpace is the space's files as synced folders see them: through the architecture
// that space and node prefer.
type folderSpace struct{ *Node }

var _ folders.Space = folderSpace{}

func (s folderSpace) routed(ctx context.Context) routed {
	via := s.files.via
	if via.IsZero() {
		via = s.routes.preferred(ctx)
	}
	return routed{s.routes, via}
}

// View implements folders.Space.
func (s folderSpace) View(ctx context.Context, read func(*tree.Tree) error) error {
	return s.files.index.View(ctx, read)
}

// Changed implements folders.Space.
func (s folderSpace) Changed(ctx context.Context) <-chan struct{} { return s.files.index.Changed(ctx) }

// State implements folders.Space.
func (s folderSpace) State(ctx context.Context, bodies []tree.Body) ([]moot.EntryID, error) {
	statements := make([]sign.Statement, len(bodies))
	for i, b := range bodies {
		statements[i] = sign.Statement{Kind: moot.KindChange, Key: b.Key, Body: b.Data}
	}
	entries, err := s.signer.Through(s.routed(ctx)).Append(ctx, moot.Merge, statements...)
	if err != nil {
		return nil, err
	}
	ids := make([]moot.EntryID, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return ids, nil
}

// Stated implements folders.Space.
func (s folderSpace) Stated(ctx context.Context, bodies []folders.Stated) ([]moot.EntryID, error) {
	ids, wanted := make([]moot.EntryID, len(bodies)), map[folders.Stated]int{}
	for i, b := range bodies {
		wanted[b] = i
	}
	asked := map[string]bool{}
	for _, b := range bodies {
		if asked[b.Key] {
			continue
		}
		asked[b.Key] = true
		q := moot.Query{Kind: moot.KindChange, Key: b.Key, Author: s.network.self, History: true, Replica: true}
		for e, err := range s.routed(ctx).Query(ctx, q) {
			if err != nil {
				return nil, moot.Wrap("find out what was sent", err)
			}
			if i, is := wanted[folders.Stated{Key: e.Key, Hash: blob.IDOf(e.Body)}]; is {
				ids[i] = e.ID
			}
		}
	}
	return ids, nil
}

// Hash implements folders.Space.
func (s folderSpace) Hash(_ context.Context, f localdir.File) (moot.Blob, error) {
	return s.store.Hash(f, true)
}

// placed lets the store serve files from where they lie.
type placed struct{ *folders.Service }

var _ store.Places = placed{}

// Open implements store.Places.
func (p placed) Open(id moot.BlobID) (store.PlacedFile, moot.Blob, bool) {
	return p.Service.Open(id)
}

// Store implements folders.Space: peers serve files from where they lie, so that only a
// server that decides for all is given the bytes before they are named.
func (s folderSpace) Store(ctx context.Context, keep bool, list []folders.Content, open func(string) (localdir.File, error)) error {
	rules := s.rules(ctx, s.files.via)
	var to moot.Blobs = s.routed(ctx)
	if rules.InPlace {
		s.announce(ctx, list, rules.Upload)
		if !keep {
			return nil
		}
		to = s.store
	}
	var batch [][]byte
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		_, err := to.PutMany(ctx, batch)
		batch, size = batch[:0], 0
		return err
	}
	for _, c := range list {
		if c.Blob.Size > moot.MaxSmall {
			if err := putFile(ctx, to, c, open); err != nil {
				return err
			}
			continue
		}
		batch, size = append(batch, c.Data), size+len(c.Data)
		if len(batch) == manyBlobs || size >= manyBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// Limits of what is handed over with one call.
const (
	manyBlobs = 1000
	manyBytes = 4 << 20
)

// announce makes large files findable, and has those that servers lack handed to them.
func (s folderSpace) announce(ctx context.Context, list []folders.Content, upload bool) {
	var ids []moot.BlobID
	for _, c := range list {
		ids = append(ids, c.Blob.ID)
		if c.Blob.Size > moot.MaxSmall {
			s.network.announce(ctx, c.Blob.ID)
		}
	}
	if upload {
		s.uploads.add(ids...)
	}
}

// putFile stores one large file, unless it is held.
func putFile(ctx context.Context, to moot.Blobs, c folders.Content, open func(string) (localdir.File, error)) error {
	if complete(ctx, to, c.Blob.ID) {
		return nil
	}
	in, err := open(c.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	b, err := to.Put(ctx, in)
	if err == nil && b != c.Blob {
		err = moot.Errorf(moot.Unavailable, "%s changed while it was read", c.Path)
	}
	return err
}

// foldersFile is the database of the synced folders.
const foldersFile = "folders.db"

func (n *Node) openFolders(ctx context.Context) (*folders.Service, error) {
	f, err := folders.New(ctx, folders.Config{Database: n.cfg.Data.Path(foldersFile), Space: folderSpace{n}, Now: n.cfg.Now, Log: n.cfg.Log})
	if err == nil {
		n.store.SetPlaces(placed{f})
	}
	return f, err
}

// GetMany implements folders.Space.
func (s folderSpace) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return s.routed(ctx).GetMany(ctx, ids)
}

// Fetch implements folders.Space: a large file is written once, by the download, and moved
// out of the store, unless this node serves what it has from its store.
func (s folderSpace) Fetch(ctx context.Context, b moot.Blob, dir folders.Staging, mode fs.FileMode, modified time.Time) (string, error) {
	route := s.routed(ctx)
	node, err := route.routes.through(ctx, route.via)
	if err != nil {
		return "", err
	}
	fresh, err := node.Fetch(ctx, b.ID, func(int64) {})
	if err != nil {
		return "", err
	}
	if fresh && !s.cfg.Role.Copies {
		to := filepath.Join(dir.Root, filepath.FromSlash(dir.Name))
		moved, err := s.store.Take(ctx, b, to, mode, modified)
		if err == nil && moved {
			_, err = dir.SetTime(dir.Name, modified) // os.Chtimes overflows beyond 2262
		}
		if err != nil || moved {
			return dir.Name, err
		}
	}
	return s.copyTo(ctx, b, dir, mode, modified)
}

// copyTo writes what the store holds to a staged file.
func (s folderSpace) copyTo(ctx context.Context, b moot.Blob, dir folders.Staging, mode fs.FileMode, modified time.Time) (string, error) {
	rc, err := s.store.Get(ctx, b.ID, moot.Whole)
	if err != nil {
		return "", err
	}
	defer rc.Close()
	out, err := dir.Stage()
	if err != nil {
		return "", err
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{blob.NewDecoder(rc, b.ID, moot.Whole)}, make([]byte, 256<<10))
	if err == nil && n != b.Size {
		err = moot.Errorf(moot.Corrupt, "it has %d bytes and not the %d that its author states", n, b.Size)
	}
	if err == nil {
		_, err = out.Finish(mode, modified)
	}
	if err != nil {
		out.Discard()
		return "", err
	}
	return out.Path(), nil
}

// Retain implements folders.Space. Where there is a server it retains every version.
func (s folderSpace) Retain(ctx context.Context, list []folders.Old, open func(string) (localdir.File, error)) error {
	if len(s.network.Servers(ctx)) > 0 {
		return nil
	}
	var batch [][]byte
	for _, o := range list {
		if !o.File || complete(ctx, s.store, o.Blob.ID) {
			continue
		}
		if err := s.retain(ctx, o, open, &batch); err != nil {
			return err
		}
	}
	for len(batch) > 0 {
		n := min(len(batch), manyBlobs)
		if _, err := s.store.PutMany(ctx, batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

func (s folderSpace) retain(ctx context.Context, o folders.Old, open func(string) (localdir.File, error), batch *[][]byte) error {
	in, err := open(o.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	if o.Blob.Size > moot.MaxSmall {
		_, err := s.store.Put(ctx, in)
		return err
	}
	content, err := io.ReadAll(io.LimitReader(in, moot.MaxSmall+1))
	if err == nil && int64(len(content)) == o.Blob.Size {
		*batch = append(*batch, bytes.Clone(content))
	}
	return err
}

// foldersOf implements app.Folders.
type foldersOf struct{ *folders.Service }

var _ app.Folders = foldersOf{}

// List implements app.Folders.
func (f foldersOf) List(context.Context) ([]folders.Status, error) { return f.Service.List(), nil }
