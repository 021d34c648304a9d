package app

import (
	"context"
	"net/netip"

	"github.com/mootspace/moot"
)

// Program is the assembled program as the command line needs it: homes, and sessions
// of the nodes in them.
type Program interface {
	// Init makes a home with a new space in it, whose founder is the home's member.
	Init(ctx context.Context, home string, o InitOptions) (NewHome, error)
	// Join makes a home that belongs to the space of an invitation; a join that is refused
	// leaves nothing behind.
	Join(ctx context.Context, home string, o JoinOptions) (NewHome, error)
	// Run is a node in the foreground, until ctx ends. It calls ready once it serves.
	Run(ctx context.Context, home string, o RunOptions, ready func(addrs []string)) error
	// Open connects to the home's running node, or makes one for the length of the session.
	Open(ctx context.Context, home string, via moot.Architecture) (*Session, error)
	// Backups lists what is in a directory, the oldest first.
	Backups(ctx context.Context, dir string) ([]BackupInfo, error)
	// VerifyBackup reads every byte of the backup that at names, as in RestoreOptions, or of all.
	// Kind Corrupt; the error names what is damaged.
	VerifyBackup(ctx context.Context, dir, at string, progress func(done, total int64)) ([]BackupInfo, error)
	// Restore makes a home from a directory of backups, or from a file of version 0.1.0. What
	// is interrupted is no home. Kind Conflict if something else is there.
	Restore(ctx context.Context, home, from string, o RestoreOptions) (Restored, error)
}

// InitOptions shape a new space and its founder.
type InitOptions struct {
	Space string // name of the space
	As    string // the founder's name; empty: the login name
	Label string // of the founder's first device; empty: the host's name
}

// JoinOptions shape a new member, or one more device of a member.
type JoinOptions struct {
	Link  string
	As    string // a new member's name, or, if the link is for a device, its label; empty: the login name, the host's name
	Label string // of the device; empty: the host's name. Kind Invalid with another As, if the link is for a device
}

// NewHome is what became of Init or Join.
type NewHome struct {
	Identity
	Recovery string `json:"recovery,omitempty"` // the founder's recovery code; only from Init, this once
	Added    bool   `json:"added,omitempty"`    // one more device of a member that was there
	Waiting  bool   `json:"waiting,omitempty"`  // nobody who may has admitted it yet
}

// RunOptions shape a running node.
type RunOptions struct {
	Serve    bool     // be the space's server
	Worker   bool     // run tasks beside the space's server
	Listen   []string // host:port; for peers also multiaddrs. Empty: defaults, or a free port
	NoPeer   bool     // with Serve: no peer-to-peer at all
	Alone    bool     // nobody else has what a restored home lacks: do not wait to hear from others
	Database string   // with Serve: where the central database is; empty: in the home
	Blobs    string   // with Serve: where the blobs are; empty: in the home
	CertFile string   // with Serve: a certificate of a public authority, PEM
	KeyFile  string   // its key
	Announce []string // with Serve: addresses to announce to members, if not the ones listened on
	Socket   string   // path of the socket for the owner's commands
	Web      string   // host:port where people and their programs are answered; empty: nowhere
	Mail     MailOptions
}

// MailOptions say where mail programs and other mail servers are answered; empty: not.
type MailOptions struct {
	IMAP        string // host:port, with STARTTLS
	IMAPS       string // with TLS from the beginning
	Submission  string // SMTP with STARTTLS
	Submissions string // SMTP with TLS from the beginning
	CertFile    string // a certificate of a public authority, PEM; empty: one of the home's own
	KeyFile     string // its key

	Domain            string // with Serve: for which mail is exchanged with the outside; empty: for none
	Host              string // with Domain: this server's name in the DNS
	SMTP              string // with Domain: where other mail servers are answered
	Smarthost         string // with Domain: host:port of a server that takes mail for everywhere
	SmarthostUser     string
	SmarthostPassword string
	Autoconfig        string     // with Domain: where programs that set themselves up are answered, HTTPS
	AutoconfigHTTP    string     // with Domain: the same without TLS
	Quota             int64      // with Serve: bytes of a mailbox; 0 for no limit
	Private           bool       // with Domain: send also to servers whose addresses are not public
	OutPort           int        // with Domain: of other mail servers; 0 for 25
	Limits            MailLimits `json:",omitzero"`
}

// MailLimits bound the mail that is exchanged with the outside. Zero fields have defaults.
type MailLimits struct {
	Trusted     []netip.Prefix // relays for whom PerAddress and PerMinute do not hold
	PerMinute   int            // messages from one address
	PerAddress  int            // connections from one address
	Connections int            // in all
	Recipients  int            // of a message
	Message     int64          // bytes
	Queue       int            // messages that wait to be sent
}

// Listeners are what a running node serves on. They are bound, and answer nobody before
// Serve.
type Listeners interface {
	// Addrs returns where the node answers, for people.
	Addrs() []string
	// Serve begins to answer until ctx ends; the first listener that fails calls fail.
	Serve(ctx context.Context, fail context.CancelCauseFunc)
	// Close waits until all have ended, and closes them.
	Close() error
}
