package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/mootspace/moot"
)

// TestHints fails on a hint that the command line does not word.
func TestHints(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Hint" {
			return true
		}
		for i, name := range spec.Names {
			value, err := strconv.Unquote(spec.Values[i].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if advice(moot.WithHint(moot.Errorf(moot.Invalid, "x"), moot.Hint(value))) == "" {
				t.Errorf("%s has no words", name)
			}
		}
		return true
	})
	if found < 15 {
		t.Errorf("found %d hints", found)
	}
	if advice(moot.Errorf(moot.Invalid, "x")) != "" {
		t.Error("advice without a hint")
	}
}
