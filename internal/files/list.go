package files

import (
	"context"
	"slices"
	"strings"

	"github.com/mootspace/moot"
)

// Find returns the files whose names contain all words, by their beginnings.
func (fs *Files) Find(ctx context.Context, words string) ([]File, error) {
	return fs.current(ctx, moot.Query{Kind: moot.KindFile, Words: words})
}

// List returns the files whose names start with prefix, by name.
func (fs *Files) List(ctx context.Context, prefix string) ([]File, error) {
	return fs.current(ctx, moot.Query{Kind: moot.KindFile, Prefix: prefix})
}

// current returns one version of each name: the one shown as current.
func (fs *Files) current(ctx context.Context, q moot.Query) ([]File, error) {
	var list []File
	err := fs.versions(ctx, q, func(f File) {
		if n := len(list); n > 0 && list[n-1].Name == f.Name {
			list[n-1].Conflict = true
			return
		}
		list = append(list, f)
	})
	return list, err
}

// versions calls f with every valid version that the query finds. The node may be
// hostile, so entries outside of the query are left out.
func (fs *Files) versions(ctx context.Context, q moot.Query, f func(File)) error {
	for e, err := range fs.node.Query(ctx, q) {
		if err != nil {
			return err
		}
		if e.Kind != q.Kind || q.Key != "" && e.Key != q.Key || !strings.HasPrefix(e.Key, q.Prefix) || e.Deletes() && !q.History {
			continue
		}
		v, err := fileOf(e)
		if err != nil {
			fs.log.Debug("an invalid entry", "author", e.Author, "error", err)
			continue
		}
		f(fs.stated(v, e))
	}
	return nil
}

// heads returns the versions of a name in force, the current first.
func (fs *Files) heads(ctx context.Context, name string) (list []File, err error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	err = fs.versions(ctx, moot.Query{Kind: moot.KindFile, Key: name}, func(f File) { list = append(list, f) })
	for i := range list {
		list[i].Conflict = len(list) > 1
	}
	return list, err
}

// History returns all versions of a name, the newestFirst first. Kind NotFound if there
// never was one.
func (fs *Files) History(ctx context.Context, name string) ([]File, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	var list []File
	err := fs.versions(ctx, moot.Query{Kind: moot.KindFile, Key: name, History: true}, func(f File) { list = append(list, f) })
	if err == nil && len(list) == 0 {
		err = errNoSuch(name)
	}
	slices.SortFunc(list, newestFirst)
	return list, err
}

// Conflicts returns all versions of the names that have several.
func (fs *Files) Conflicts(ctx context.Context) (conflicts []File, err error) {
	var same []File
	flush := func() {
		if len(same) > 1 {
			for i := range same {
				same[i].Conflict = true
			}
			conflicts = append(conflicts, same...)
		}
		same = nil
	}
	err = fs.versions(ctx, moot.Query{Kind: moot.KindFile}, func(f File) {
		if len(same) > 0 && same[0].Name != f.Name {
			flush()
		}
		same = append(same, f)
	})
	flush()
	return conflicts, err
}

// Lookup returns the file with a blob's ID, the current version of a name, or the version whose
// blob's ID begins so. A whole ID goes first: a name that looks like one must not stand for other
// bytes. Kind NotFound.
func (fs *Files) Lookup(ctx context.Context, name string) (File, error) {
	id, notID := moot.ParseBlobID(name)
	var unknown error
	if notID == nil {
		f, err := fs.byID(ctx, id)
		if err == nil || moot.KindOf(err) != moot.NotFound {
			return f, err
		}
		unknown = err
	}
	if CheckName(name) == nil {
		list, err := fs.heads(ctx, name)
		if err != nil {
			return File{}, err
		}
		if len(list) > 0 {
			return list[0], nil
		}
	}
	if unknown != nil {
		return File{}, unknown
	}
	return fs.byPrefix(ctx, name)
}

// minPrefix is the length of the shortest beginning of an ID, in hexadecimal digits, that Lookup takes.
const minPrefix = 6

// byPrefix returns a version, old or current, of the one blob whose ID begins so.
func (fs *Files) byPrefix(ctx context.Context, prefix string) (found File, err error) {
	if len(prefix) < minPrefix || strings.Trim(prefix, "0123456789abcdef") != "" {
		return found, errNoSuch(prefix)
	}
	several := false
	err = fs.versions(ctx, moot.Query{Kind: moot.KindFile, History: true}, func(f File) {
		if f.Deleted || !strings.HasPrefix(f.Blob.ID.String(), prefix) {
			return
		}
		several = several || found.Name != "" && found.Blob.ID != f.Blob.ID
		found = f
	})
	switch {
	case err != nil:
		return File{}, err
	case several:
		return File{}, moot.Errorf(moot.Invalid, "the IDs of several blobs begin with %s", prefix)
	case found.Name == "":
		return File{}, errNoSuch(prefix)
	}
	return found, nil
}

// byID returns a version, old or current, that has the blob; else the bare blob.
func (fs *Files) byID(ctx context.Context, id moot.BlobID) (File, error) {
	var found *File
	err := fs.versions(ctx, moot.Query{Kind: moot.KindFile, History: true}, func(f File) {
		if f.Blob.ID == id && !f.Deleted {
			found = &f
		}
	})
	if err != nil {
		return File{}, err
	}
	if found != nil {
		return *found, nil
	}
	h, err := fs.node.Have(ctx, id)
	if err != nil {
		return File{}, err
	}
	return File{Name: id.String(), Blob: moot.Blob{ID: id, Size: h.Size}, Content: h.Size, Mode: 0o644}, nil
}

func errNoSuch(name string) error {
	return moot.WithHint(moot.Errorf(moot.NotFound, "there is no %q in this space", name), moot.HintListFiles)
}
