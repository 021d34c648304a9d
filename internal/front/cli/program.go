package cli

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

// Program is the assembled program as the command line needs it.
type Program interface {
	// Init makes a home with a new space in it, owned by the home.
	Init(ctx context.Context, home, space, as string) (Identity, error)
	// Join makes a home that belongs to the space of an invitation.
	Join(ctx context.Context, home, link, as string) (Identity, error)
	// Run is a node in the foreground, until ctx ends. It calls ready once it serves.
	Run(ctx context.Context, home string, o RunOptions, ready func(addrs []string)) error
	// Open speaks to the home's running node, or makes one for the length of the session.
	Open(ctx context.Context, home string, via Via) (*Session, error)
	// Restore makes a home from a backup file.
	Restore(ctx context.Context, home, file string) error
}

// Via names the architecture that one operation uses; "" means what the home prefers.
type Via string

const (
	ViaDefault Via = ""
	ViaServer  Via = "server"
	ViaPeers   Via = "peers"
	ViaBoth    Via = "both"
)

// Identity says who a home is, and where.
type Identity struct {
	Space moot.Key `json:"space"`
	Name  string   `json:"name"`   // of the space
	Self  moot.Key `json:"member"` // this home's key
	As    string   `json:"as"`     // this home's name
	Home  string   `json:"home"`
}

// RunOptions shape a running node.
type RunOptions struct {
	Serve    bool     // be the space's server
	Worker   bool     // run tasks beside the space's server
	Listen   []string // host:port; for peers also multiaddrs. Empty: defaults, or a free port
	NoPeer   bool     // with Serve: no peer-to-peer at all
	Database string   // with Serve: where the central database is; empty: in the home
	Blobs    string   // with Serve: where the blobs are; empty: in the home
	CertFile string   // with Serve: a certificate of a public authority, PEM
	KeyFile  string   // its key
	Announce []string // with Serve: addresses to tell members, if not the ones listened on
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

	Domain        string // with Serve: for which mail is exchanged with the outside; empty: for none
	Host          string // with Domain: this server's name in the DNS
	SMTP          string // with Domain: where other mail servers are answered
	Smarthost     string // with Domain: host:port of a server that takes mail for everywhere
	SmarthostUser string
	Quota         int64 // with Serve: bytes of a mailbox; 0 for no limit
	Private       bool  // with Domain: send also to servers whose addresses are not public
	OutPort       int   // with Domain: of other mail servers; 0 for 25
}

// Session is a home's member at work through one architecture.
type Session struct {
	Identity
	Via     Via // in force
	Files   *files.Files
	Members *members.Members
	Mail    func(context.Context) (mail.Mailbox, error) // with all that has come for the member
	Jobs    jobs.Submitter
	Control Control
}

// Control is what a node tells and lets set about itself.
type Control interface {
	Status(ctx context.Context) (Status, error)
	Peers(ctx context.Context) ([]PeerStatus, error)
	Preferences(ctx context.Context) (policy.Preferences, error)
	SetPreferences(ctx context.Context, w policy.Preferences) error
	Backup(ctx context.Context, w io.Writer) error
	// Addresses returns what an invitation should name: servers and some peers.
	Addresses(ctx context.Context) (servers, peers []moot.Peer, err error)
	// Accounts are the members whose mail mail programs reach here: the home's own, and
	// those whose keys this node keeps.
	Accounts(ctx context.Context) ([]Account, error)
	// AddAccount makes a member whose key this node keeps; with link empty this home
	// invites it.
	AddAccount(ctx context.Context, name, link string) (Account, error)
	// AddPassword makes a password for a mail program; name "" is the home's own member.
	AddPassword(ctx context.Context, name string) (string, error)
	// MailRecords are the lines that the DNS of the space's mail domain should hold.
	MailRecords(ctx context.Context) ([]string, error)
	// DropPasswords makes all of them void.
	DropPasswords(ctx context.Context, name string) error
	Close() error
}

// Account is a member whose mail mail programs reach at this node.
type Account struct {
	Member    moot.Key `json:"member"`
	Name      string   `json:"name"`
	Own       bool     `json:"own,omitempty"` // the home's own member
	Passwords int      `json:"passwords"`     // for mail programs
}

// Status is the state of a node.
type Status struct {
	Identity
	Via      Via         `json:"via"`
	Running  bool        `json:"running"` // as a process of its own
	Role     policy.Role `json:"role"`
	Servers  []Reach     `json:"servers"`
	Peers    int         `json:"peers"` // connected now
	Addrs    []string    `json:"addrs"` // where this node listens
	Entries  uint64      `json:"entries"`
	Authors  int         `json:"authors"`
	Blobs    int64       `json:"blobs"`
	Bytes    int64       `json:"bytes"`
	Sent     int64       `json:"sent_bytes"`     // to others since the node started
	Received int64       `json:"received_bytes"` // of blobs from others since the node started
	Conflict int         `json:"conflicts"`
	Forks    int         `json:"forks"` // proofs that an author signed two entries with one number
}

// Reach is a server and whether it answers.
type Reach struct {
	moot.Peer
	Reachable bool   `json:"reachable"`
	Why       string `json:"why,omitempty"` // if not
}

// PeerStatus is a member's node as this node sees it.
type PeerStatus struct {
	moot.Peer
	Role      policy.Role `json:"role"`
	Connected bool        `json:"connected"`
}
