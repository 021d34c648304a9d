// Package policy is access control: it replays the membership entries of a space into a
// [Roster], admits entries by it before they are stored, and authorises the requests of
// callers to a server ([Server]) or to a peer ([Peer]).
//
// It is pure but for the time it is given, and must not know how callers proved
// their keys, where entries are kept, or which architecture is in force.
package policy

import (
	"context"
	"slices"

	"github.com/mootspace/moot"
)

// Action is what a caller asks of a node.
type Action string

const (
	Read   Action = "read"   // subject: a blob's ID, or "" for entries
	Write  Action = "write"  // subject: an entry's key
	Upload Action = "upload" // subject: ""
	Run    Action = "run"    // subject: the member for whom a task is run
)

// Policy authorises every request before it is answered.
type Policy interface {
	// Allow returns nil, or why a device does not get it: kind Stranger, Revoked or Denied.
	Allow(ctx context.Context, caller moot.Key, act Action, subject string) error
}

// Server is the policy of a space's server, by roles.
type Server struct{ Roster *Roster }

// Allow implements Policy.
func (p Server) Allow(_ context.Context, caller moot.Key, act Action, subject string) error {
	who, err := p.Roster.Acting(caller)
	switch {
	case err != nil:
		return err
	case act == Run:
		return mayRun(who, subject)
	case act == Upload && who.Role == RoleGuest:
		return moot.Errorf(moot.Denied, "a guest may read, not write")
	}
	return nil
}

// mayRun authorises a caller to run a task for a member: the member itself, and a server,
// which does so for all.
func mayRun(who Member, member string) error {
	switch {
	case who.Role == RoleGuest:
		return moot.Errorf(moot.Denied, "a guest may read, not have tasks run")
	case member == who.ID.String() || canServe(who.Role):
		return nil
	}
	return moot.Errorf(moot.Denied, "only a server may have tasks run for others")
}

// MayServe reports whether a device may be one of the space's servers.
func (r *Roster) MayServe(device moot.Key) bool {
	who, err := r.Acting(device)
	return err == nil && canServe(who.Role)
}

// MayRule reports whether a device may state rules for all now: it acts for an owner or
// admin.
func (r *Roster) MayRule(device moot.Key) bool {
	who, err := r.Acting(device)
	return err == nil && canManage(who.Role)
}

// Preferences are the owner's settings of a node: what it serves, and how fast.
type Preferences struct {
	Deny         []moot.MemberID `json:"deny,omitempty"`          // members who get no bytes
	Names        []string        `json:"names,omitempty"`         // only files whose names start with one of these; none means all
	UploadRate   int64           `json:"upload_rate,omitempty"`   // bytes a second to all together; 0 means no limit
	DownloadRate int64           `json:"download_rate,omitempty"` // bytes of blobs a second from all together; 0 means no limit

	// Copies of files for the space, as its rules ask for them.
	Space int64 `json:"space,omitempty"` // bytes lent for them; 0 means 10 GiB, below 0 none

	// Held messages of others, for members who are away.
	RelayCopies int   `json:"carry_copies,omitempty"` // nodes that hold one besides its author; 0 means 2, below 0 none
	RelayBytes  int64 `json:"carry_bytes,omitempty"`  // at most so many together; 0 means 1 GiB
	RelayDays   int   `json:"carry_days,omitempty"`   // for so long; 0 means 30
	HideReading bool  `json:"hide_reading,omitempty"` // no receipts when messages are read

	// Retention of own messages since their last change, in days; 0 means for ever.
	TrashDays int `json:"keep_trash_days,omitempty"`
	JunkDays  int `json:"keep_junk_days,omitempty"`
	MailDays  int `json:"keep_mail_days,omitempty"` // in all other folders but Drafts

	// Computing power lent to others.
	JobDays    int             `json:"keep_jobs_days,omitempty"` // jobs that have ended are remembered so long; 0 means 30, below 0 for ever
	LendCPUs   int             `json:"lend_cpus,omitempty"`      // tasks at once; 0 means none, of a server all its CPUs; below 0 none
	LendMemory int64           `json:"lend_memory,omitempty"`    // bytes of one task; 0 means 512 MiB
	LendWall   int64           `json:"lend_wall,omitempty"`      // seconds of one task; 0 means 1 hour
	LendDisk   int64           `json:"lend_disk,omitempty"`      // bytes of inputs and outputs that are cached; 0 means 4 GiB
	LendHours  string          `json:"lend_hours,omitempty"`     // "22:00-06:00"; empty means always
	LendIdle   bool            `json:"lend_idle,omitempty"`      // only while nobody else uses the processors
	LendShare  int             `json:"lend_share,omitempty"`     // percent of the time that tasks run; 0 means all
	LendTo     []moot.MemberID `json:"lend_to,omitempty"`        // members; none means all
}

// Peer is the policy of a peer: its owner's preferences apply to bytes. Entries are
// served to every member, because the catalogue is replicated on all.
type Peer struct {
	Roster      *Roster
	Preferences func() Preferences
	// Serves reports whether a blob belongs to a file under one of the names.
	Serves func(ctx context.Context, blob string, names []string) bool
}

// Allow implements Policy.
func (p Peer) Allow(ctx context.Context, caller moot.Key, act Action, subject string) error {
	who, err := p.Roster.Acting(caller)
	if err != nil {
		return err
	}
	prefs := p.Preferences()
	switch {
	case act == Run && slices.Contains(prefs.Deny, who.ID):
		return moot.Errorf(moot.Denied, "this peer does not serve you")
	case act == Run:
		return mayRun(who, subject)
	case act == Upload:
		return moot.Errorf(moot.Denied, "a peer takes no uploads")
	case act != Read || subject == "":
		return nil
	case slices.Contains(prefs.Deny, who.ID):
		return moot.Errorf(moot.Denied, "this peer does not serve you")
	case len(prefs.Names) > 0 && !p.Serves(ctx, subject, prefs.Names):
		return moot.Errorf(moot.NotFound, "this peer does not share that")
	}
	return nil
}
