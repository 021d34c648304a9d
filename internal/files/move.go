package files

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
)

// MoveOptions shape a Move.
type MoveOptions struct {
	Force bool // also onto names that exist: their versions are superseded
}

// moveBatch bounds the names that one Append moves, so that its entries fit a request.
const moveBatch = 1000

// Move gives a file or folder another name; of a folder that is several names below a
// prefix, each of them. New names come before the removal of the old ones, in one Append,
// so that every reader sees at least one of them. Kinds: NotFound, Invalid, and Conflict
// if a target exists, a source has several versions, or either changes meanwhile.
func (fs *Files) Move(ctx context.Context, from, to string, o MoveOptions) (File, error) {
	f, err := fs.move(ctx, from, to, o)
	return f, moot.Wrap("move "+from, err)
}

func (fs *Files) move(ctx context.Context, from, to string, o MoveOptions) (File, error) {
	if err := errors.Join(CheckName(from), CheckName(to)); err != nil {
		return File{}, firstKind(err)
	}
	if from == to {
		return File{}, moot.Errorf(moot.Invalid, "%q is its name already", to)
	}
	heads, err := fs.heads(ctx, from)
	if err != nil {
		return File{}, err
	}
	if len(heads) > 0 {
		moved, err := fs.moveNames(ctx, []File{heads[0]}, func(string) string { return to }, o)
		if err != nil {
			return File{}, err
		}
		return moved[0], nil
	}
	return fs.moveBelow(ctx, from, to, o)
}

// moveBelow moves all names below a prefix.
func (fs *Files) moveBelow(ctx context.Context, from, to string, o MoveOptions) (File, error) {
	folder := File{Name: to, Folder: true}
	names, err := fs.List(ctx, from+"/")
	switch {
	case err != nil:
		return folder, err
	case len(names) == 0:
		return folder, errNoSuch(from)
	case strings.HasPrefix(to, from+"/"):
		return folder, moot.Errorf(moot.Invalid, "%q lies inside of %q", to, from)
	}
	rename := func(name string) string { return to + strings.TrimPrefix(name, from) }
	for _, f := range names {
		if err := CheckName(rename(f.Name)); err != nil {
			return folder, err
		}
	}
	if !o.Force {
		taken, err := fs.List(ctx, to+"/")
		if err != nil {
			return folder, err
		}
		if len(taken) > 0 {
			return folder, errTaken(to)
		}
	}
	for batch := range slices.Chunk(names, moveBatch) {
		moved, err := fs.moveNames(ctx, batch, rename, o)
		if err != nil {
			return folder, err
		}
		last := moved[len(moved)-1]
		folder.By, folder.Author, folder.Time = last.By, last.Author, last.Time
		for _, f := range moved {
			folder.Content += f.Content
		}
	}
	return folder, nil
}

// moveNames moves single names with one Append.
func (fs *Files) moveNames(ctx context.Context, list []File, rename func(string) string, o MoveOptions) ([]File, error) {
	var added, removed []sign.Statement
	moved := slices.Clone(list)
	for i := range moved {
		f := &moved[i]
		if f.Conflict {
			return nil, moot.WithHint(moot.Errorf(moot.Conflict, "%q has several versions in force", f.Name), moot.HintResolve)
		}
		removed = append(removed, sign.Statement{Kind: moot.KindFile, Key: f.Name, Replaces: []moot.EntryID{moot.EntryID(f.Version)}})
		f.Name = rename(f.Name)
		replaces, err := fs.supersededBy(ctx, f.Name, o)
		if err != nil {
			return nil, err
		}
		b, err := encodeBody(*f)
		if err != nil {
			return nil, err
		}
		added = append(added, sign.Statement{Kind: moot.KindFile, Key: f.Name, Replaces: replaces, Body: b})
	}
	entries, err := fs.write.Append(ctx, moot.Swap, append(added, removed...)...)
	if err != nil {
		return nil, err
	}
	for i := range moved {
		moved[i] = fs.stated(moved[i], entries[i])
	}
	return moved, nil
}

// supersededBy returns the versions that a move to name supersedes.
func (fs *Files) supersededBy(ctx context.Context, name string, o MoveOptions) ([]moot.EntryID, error) {
	heads, err := fs.heads(ctx, name)
	if err == nil && len(heads) > 0 && !o.Force {
		err = errTaken(name)
	}
	if err == nil {
		heads, err = fs.thin(ctx, name, heads)
	}
	return ids(heads), err
}

func errTaken(name string) error {
	return moot.WithHint(moot.Errorf(moot.Conflict, "there is a %q already", name), moot.HintForce)
}
