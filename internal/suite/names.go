package suite

import (
	"context"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/tree"
)

// names returns what a member finds.
func names(ctx context.Context, m *Member, words string) (found []string, err error) {
	list, err := m.Files().Find(ctx, words)
	for _, f := range list {
		found = append(found, f.Name)
	}
	return found, err
}

func namesAreFound(t T, w *World) {
	ann, founder := w.Member(1), w.Member(0)
	mustShare(t, ann, "Reports/Été 2026.pdf", []byte("one"))
	mustShare(t, ann, "Reports/Été 2026.pdf", []byte("two"))
	mustShare(t, ann, "notes.txt", []byte("three"))
	see := func(m *Member, words string, want ...string) {
		t.Helper()
		Eventually(t, m.Name+" finds "+words, func() error {
			got, err := names(t.Context(), m, words)
			if err == nil && strings.Join(got, "|") != strings.Join(want, "|") {
				err = moot.Errorf(moot.NotFound, "found %q, want %q", got, want)
			}
			return err
		})
	}
	see(founder, "ete rep", "Reports/Été 2026.pdf")
	see(founder, "notes", "notes.txt")
	history, err := founder.Files().History(t.Context(), "Reports/Été 2026.pdf")
	if err != nil || len(history) != 2 || history[0].Size() != 3 {
		t.Fatalf("history: %v, %v", history, err)
	}
	w.must(founder.Files().Remove(t.Context(), "notes.txt", files.RemoveOptions{}))
	see(ann, "notes")
	wantKind(t, "what was removed", founder.Files().Remove(t.Context(), "notes.txt", files.RemoveOptions{}), moot.NotFound)
	mustShare(t, ann, "notes.txt", []byte("four"))
	see(founder, "notes", "notes.txt")
}

func secondWriter(t T, w *World) {
	ann, bob := w.Member(1), w.Member(2)
	mustShare(t, ann, "plan", []byte("base"))
	mustRead(t, bob, "plan", []byte("base"))
	late := overwriting(t, bob, "plan", "bob's")
	mustShare(t, ann, "plan", []byte("ann's"))
	w.Alike()
	_, err := bob.Node().Writer(w.Arch.Asks).Append(t.Context(), moot.Swap, late)
	wantKind(t, "swap over a change", err, moot.Conflict)
	if got, err := ann.Files().Conflicts(t.Context()); err != nil || len(got) != 0 {
		t.Fatalf("%d versions, %v", len(got), err)
	}
}

// overwriting returns the statement by which a member would replace a file as it is now.
func overwriting(t T, m *Member, name, text string) sign.Statement {
	t.Helper()
	b, err := m.Node().Store().Put(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v", err)
	}
	var st sign.Statement
	index := files.NewIndex(m.Node().Store(), files.IndexConfig{})
	err = index.View(t.Context(), func(all *tree.Tree) error {
		e := all.Edit(tree.Nonce{1})
		if _, err := e.Write(name, tree.File, tree.Content{Blob: b}, 0o600); err != nil {
			return err
		}
		bodies, err := e.Encode()
		if err == nil {
			st = sign.Statement{Kind: moot.KindChange, Key: bodies[0].Key, Body: bodies[0].Data}
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return st
}
