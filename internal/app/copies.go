package app

import (
	"context"

	"github.com/mootspace/moot/internal/rules"
)

// Copies are how the space's files are held: by which rules, and by how many devices.
type Copies interface {
	// Rules returns the rules in force, ordered by their paths.
	Rules(ctx context.Context) ([]rules.Rule, error)
	// SetRule changes the rule for all files at and below a path, and returns it. Kinds:
	// Denied unless the session's member is an owner or admin, Invalid.
	SetRule(ctx context.Context, c rules.Change) (rules.Rule, error)
	// EndRule ends the rule for a path, so that the one for a shorter path holds. Kinds:
	// Denied as for SetRule, NotFound if there is none.
	EndRule(ctx context.Context, path string) error
}
