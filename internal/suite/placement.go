package suite

import (
	"fmt"
	"math/rand/v2"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/rules"
)

// copiesRepaired: of six members any two are lost for good; every file is still there, and
// soon held three times again.
func copiesRepaired(t T, w *World) {
	copies := 3
	_, err := w.Member(1).Session().Copies.SetRule(t.Context(), rules.Change{Copies: &copies})
	wantKind(t, "a member's rule", err, moot.Denied)
	_, err = w.Member(0).Session().Copies.SetRule(t.Context(), rules.Change{Copies: &copies})
	w.must(err)
	contents := map[string][]byte{}
	var all []files.File
	for i := range 12 {
		name, size := fmt.Sprintf("folder%d/file", i), 1000
		if i%4 == 0 {
			size = moot.MaxSmall + 1
		}
		contents[name] = random(size)
		all = append(all, mustShare(t, w.Member(i%6), name, contents[name]))
	}
	left := []*Member{w.Member(0), w.Member(1), w.Member(2), w.Member(3), w.Member(4), w.Member(5)}
	held := func() error {
		for _, f := range all {
			n := 0
			for _, m := range left {
				if m.holds(t.Context(), f.Blob.ID) {
					n++
				}
			}
			if n < copies {
				return moot.Errorf(moot.Unavailable, "%d devices hold %s", n, f.Name)
			}
		}
		return nil
	}
	Eventually(t, "three hold each file", held)
	rand.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	for _, m := range left[4:] {
		m.Stop()
	}
	left = left[:4]
	for name, content := range contents {
		mustRead(t, left[0], name, content)
	}
	Eventually(t, "three hold each file again", held)
	if only, err := left[0].Session().Copies.OnlyOn(t.Context(), []moot.Key{left[0].Node().Self()}); err != nil || only.Files > 0 {
		t.Fatalf("only here: %v, %v", only, err)
	}
}
