package app

import (
	"context"

	"github.com/mootspace/moot"
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

	// Holdings says of each blob who is known to hold it. Devices that are connected are
	// asked; what takes longer than two seconds is not waited for. Kind Invalid for more
	// than MaxHoldings.
	Holdings(ctx context.Context, q HoldingsQuery) ([]Holding, error)
	// OnlyOn returns which of the files in force no other devices than these are known to
	// hold. Kind Invalid for no device.
	OnlyOn(ctx context.Context, devices []moot.Key) (FileCount, error)
}

// MaxHoldings is how many blobs one question may name.
const MaxHoldings = 8192

// HoldingsQuery says of which blobs who holds them is asked.
type HoldingsQuery struct {
	Blobs []moot.BlobID `json:"blobs"`
	Count bool          `json:"count,omitempty"` // ask others also about what is held here
}

// Holding says who holds a blob, as far as is known.
type Holding struct {
	Copies int          `json:"copies"` // devices that hold it, also this one, a server, and those that were connected within the last hour
	Now    Availability `json:"now"`
}

// Availability says whether a blob can be had now.
type Availability string

// Availabilities.
const (
	Here         Availability = "here"
	Available    Availability = "yes" // from a device that is connected
	NotAvailable Availability = "no"  // no device that is connected holds it
	Unknown      Availability = "?"   // not all of them have answered in time
)

// FileCount is how many files there are, and their size, as far as is known.
type FileCount struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`

	Unsure bool `json:"unsure,omitempty"` // not all devices have answered that were asked
}
