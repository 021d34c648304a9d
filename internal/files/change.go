package files

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
)

// publish makes f the version of its name that supersedes others.
func (fs *Files) publish(ctx context.Context, f File, replaces []File, mode moot.Mode) (File, error) {
	b, err := encodeBody(f)
	if err != nil {
		return f, err
	}
	if replaces, err = fs.thin(ctx, f.Name, replaces); err != nil {
		return f, err
	}
	e, err := sign.One(ctx, fs.write, mode, sign.Statement{Kind: moot.KindFile, Key: f.Name, Replaces: ids(replaces), Body: b})
	if errors.Is(err, moot.Conflict) {
		return f, moot.Errorf(moot.Conflict, "%q was changed elsewhere meanwhile", f.Name)
	}
	if err != nil {
		return f, err
	}
	return fs.stated(f, e), nil
}

// thin deletes the last versions until one entry can replace the rest, so that a conflict
// of any number of versions can be ended.
func (fs *Files) thin(ctx context.Context, name string, versions []File) ([]File, error) {
	for len(versions) > moot.MaxReplaces {
		cut := max(len(versions)-moot.MaxReplaces, moot.MaxReplaces)
		_, err := sign.One(ctx, fs.write, moot.Merge, sign.Statement{Kind: moot.KindFile, Key: name, Replaces: ids(versions[cut:])})
		if err != nil {
			return versions, err
		}
		versions = versions[:cut]
	}
	return versions, nil
}

func ids(files []File) (list []moot.EntryID) {
	for _, f := range files {
		list = append(list, moot.EntryID(f.Version))
	}
	return list
}

// Remove deletes all versions of a name; the history stays. Kind NotFound.
func (fs *Files) Remove(ctx context.Context, name string, _ RemoveOptions) error {
	heads, err := fs.heads(ctx, name)
	if err != nil {
		return err
	}
	if len(heads) == 0 {
		return errNoSuch(name)
	}
	if heads, err = fs.thin(ctx, name, heads); err == nil {
		_, err = sign.One(ctx, fs.write, moot.Swap, sign.Statement{Kind: moot.KindFile, Key: name, Replaces: ids(heads)})
	}
	return moot.Wrap("remove "+name, err)
}

// Resolve ends a conflict: of the versions in force only the one whose ID starts with
// version stays, or the current one if version is "". Kinds: NotFound, Invalid.
func (fs *Files) Resolve(ctx context.Context, name, version string) (File, error) {
	heads, err := fs.heads(ctx, name)
	switch {
	case err != nil:
		return File{}, err
	case len(heads) == 0:
		return File{}, errNoSuch(name)
	case len(heads) == 1:
		return File{}, moot.WithHint(moot.Errorf(moot.Invalid, "%q has no conflict", name), moot.HintListConflicts)
	}
	var chosen []File
	for _, f := range heads {
		if strings.HasPrefix(f.Version.String(), strings.ToLower(version)) {
			chosen = append(chosen, f)
		}
	}
	if version == "" {
		chosen = heads[:1]
	}
	if len(chosen) != 1 {
		return File{}, moot.WithHint(moot.Errorf(moot.Invalid, "%q matches %d of the versions of %q", version, len(chosen), name), moot.HintListConflicts)
	}
	f := chosen[0]
	f.Conflict = false
	others := slices.DeleteFunc(heads, func(v File) bool { return v.Version == f.Version })
	f, err = fs.publish(ctx, f, append([]File{f}, others...), moot.Swap)
	return f, moot.WithHint(err, moot.HintListConflicts)
}
