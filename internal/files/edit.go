package files

import (
	"context"
	"crypto/rand"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/tree"
)

// edited is what an edit has stated.
type edited struct {
	ops     []tree.Op
	counts  []int // operations in each entry
	entries []moot.Entry
}

// edit states what plan makes of the tree. In mode Swap it fails with kind Conflict if the
// files change meanwhile.
func (fs *Files) edit(ctx context.Context, mode moot.Mode, plan func(*tree.Tree, *tree.Edit) error) (done edited, err error) {
	var nonce tree.Nonce
	_, _ = rand.Read(nonce[:]) // never fails
	var statements []sign.Statement
	err = fs.o.Index.View(ctx, func(t *tree.Tree) error {
		e := t.Edit(nonce)
		if err := plan(t, e); err != nil || e.Len() == 0 {
			return err
		}
		bodies, err := e.Encode()
		for _, b := range bodies {
			statements = append(statements, sign.Statement{Kind: moot.KindChange, Key: b.Key, Body: b.Data})
			done.counts = append(done.counts, b.Ops)
		}
		done.ops = e.Ops()
		return err
	})
	if err != nil || len(statements) == 0 {
		return edited{}, err
	}
	done.entries, err = fs.write.Append(ctx, mode, statements...)
	if moot.KindOf(err) == moot.Conflict {
		err = moot.WithHint(err, moot.HintForce)
	}
	return done, err
}

// mode is how an edit treats what others changed meanwhile.
func mode(force bool) moot.Mode {
	if force {
		return moot.Merge
	}
	return moot.Swap
}

// stated completes a file by who stated the content of its item when.
func (fs *Files) stated(f File, item tree.ID, done edited) File {
	for i, op := range done.ops {
		if op.Item == item && op.Kind == tree.SetContent {
			return fs.statedBy(f, item, done, i)
		}
	}
	return f
}

// statedBy completes a file by the operation of an edit that made it what it is.
func (fs *Files) statedBy(f File, item tree.ID, done edited, op int) File {
	for i, n := range done.counts {
		if op < n {
			e := done.entries[i]
			by := fs.version(f.Name, item, tree.Stated{Version: tree.Version{Entry: e.ID, Op: uint32(op)}, Author: e.Author, Time: e.Time})
			f.Item, f.By, f.Author, f.Time, f.Version = by.Item, by.By, by.Author, by.Time, by.Version
			return f
		}
		op -= n
	}
	return f
}
