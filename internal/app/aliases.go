package app

import (
	"context"

	"github.com/mootspace/moot"
)

// Aliases are addresses that lead to members, or that of all other addresses of the mail
// domain ("*"). They are stated in the space; owners and admins may.
type Aliases interface {
	List(ctx context.Context) ([]Alias, error)
	// Set states whom an alias leads to: names or IDs of members. Kinds: Denied, Invalid,
	// NotFound for an unknown member, Conflict if a member has the name or it is reserved.
	Set(ctx context.Context, name string, members []string) (Alias, error)
	// Remove ends an alias. Kinds: Denied, NotFound.
	Remove(ctx context.Context, name string) error
}

// Alias is an address that leads to members.
type Alias struct {
	Name    string        `json:"name"`
	Address string        `json:"address"`
	Members []AliasMember `json:"members"`
	// Hidden: a member has come to have the name, to whom the address leads instead.
	Hidden bool `json:"hidden,omitempty"`
}

// AliasMember is one to whom an alias leads.
type AliasMember struct {
	Member moot.MemberID `json:"member"`
	Name   string        `json:"name"`
	Gone   bool          `json:"gone,omitempty"` // has left the space: gets nothing
}
