package node

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/rules"
	"github.com/mootspace/moot/internal/sign"
)

// fileCopies implements app.Copies for one session.
type fileCopies struct {
	*Node
	via   moot.Architecture
	write sign.Writer
}

var _ app.Copies = fileCopies{}

// Rules implements app.Copies.
func (c fileCopies) Rules(ctx context.Context) ([]rules.Rule, error) {
	asked, err := c.fileRules(ctx)
	return asked.All(), err
}

// SetRule implements app.Copies.
func (c fileCopies) SetRule(ctx context.Context, change rules.Change) (rules.Rule, error) {
	if err := c.mayRule(); err != nil {
		return rules.Rule{}, err
	}
	asked, err := c.fileRules(ctx)
	if err != nil {
		return rules.Rule{}, err
	}
	rule := asked.Change(change)
	return rule, rules.Set(ctx, c.store, c.write, rule)
}

// EndRule implements app.Copies.
func (c fileCopies) EndRule(ctx context.Context, path string) error {
	if err := c.mayRule(); err != nil {
		return err
	}
	asked, err := c.fileRules(ctx)
	if err != nil {
		return err
	}
	if !asked.Has(path) {
		return moot.Errorf(moot.NotFound, "there is no rule for just %s", rules.Files(path))
	}
	return rules.End(ctx, c.store, c.write, path)
}

// mayRule reports, with kind Denied, why this node may state no rule.
func (n *Node) mayRule() error {
	if n.network.roster.MayRule(n.Self()) {
		return nil
	}
	return moot.Errorf(moot.Denied, "only an owner or admin says how many copies of files there are, and how long old versions stay")
}

// fileRules returns the space's rules about files.
func (n *Node) fileRules(ctx context.Context) (rules.Rules, error) { return rules.List(ctx, n.store) }
