// Package node is one running node, made of services with explicit needs: network,
// replication, uploads, mirror, mail, computing power, accounts, revocation. It is the
// one place where they meet.
//
// It must not know home directories, flags, signals or front ends, nor give meaning to
// entries: that is files, mail, jobs and members.
package node

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
)

// Config is what a Node is made of. Space, Key and Data are required.
type Config struct {
	Space moot.SpaceID
	Names Names              // for people
	Key   ed25519.PrivateKey // of the device
	Role  arch.Role          // towards others; zero: arch.Peer
	Data  Data               // files that services keep
	Store store.Config       // entries and blobs; Gate and Log are set by New

	// OldKeys are those of devices that this one is the heir of: it opens what was sealed to
	// them, and as a server proves them to clients that have pinned one.
	OldKeys []ed25519.PrivateKey

	Known Known // whom to ask until the space tells it
	Mail  MailServer
	Home  Home // around the node; the zero value is none

	Version   string           // of the program
	Now       func() time.Time // default: time.Now
	Timing    Timing
	Intercept Intercept // of tests; the zero value changes nothing
	Log       *slog.Logger
}

// Names are those that the space does not tell, or not yet.
type Names struct {
	Space   string // of the space
	Member  string // the member's
	Account string // of devices that this node has for others, such as the host's name
}

// Known are nodes that can be asked, as an invitation names them.
type Known struct {
	Servers []moot.Peer
	Peers   []moot.Peer
	NoPeers bool // the node asks its servers only
}

// MailServer is a server's exchange of mail with the outside and its mailboxes.
type MailServer struct {
	Domain  string                   // empty: there is no exchange
	Records func() ([]string, error) // lines of the domain's DNS; nil: there is no domain
	Quota   int64                    // bytes of a mailbox; 0 for no limit
}

// Home is what surrounds a node that is kept on disk. All of it may be nil.
type Home struct {
	// Ready reports why nothing may be written yet.
	Ready func() error
	// Reached is called when entries were exchanged with another node.
	Reached func()
	// Backup adds a backup to a directory.
	Backup func(ctx context.Context, dir string, o app.BackupOptions, c Contents) (app.Backup, error)
}

// ready reports why nothing may be written yet.
func (h Home) ready() error {
	if h.Ready == nil {
		return nil
	}
	return h.Ready()
}

// Intercept lets tests cut links and falsify answers. All of it may be nil.
type Intercept struct {
	Transport func(moot.Peer, http.RoundTripper) http.RoundTripper // to each peer
	Allow     func(moot.Key) bool                                  // whether a node may connect
	Seen      func(moot.Node) moot.Node                            // the store as others see it
}

// Timing is how patient a node is; zero fields mean the defaults of their packages.
type Timing struct {
	Repair   time.Duration // between exchanges of entries with other nodes
	Stall    time.Duration // a source silent for so long is replaced
	Discover time.Duration // search so long for sources before giving up
	Refresh  time.Duration // between searches while fetching
	Mirror   time.Duration // before a server looks again for what nobody had
	Copies   time.Duration // between checks who holds which files; 0 means 10 minutes
	Away     time.Duration // a device not seen for so long holds no copy that counts; 0 means 1 hour
}

// Data is where services keep files of their own.
type Data interface {
	// Path returns where a service may keep a file or directory of its own.
	Path(name string) string
	// Load reads a small record that Save wrote. Kind NotFound if there is none.
	Load(name string, v any) error
	// Save replaces a small record as a whole, durably.
	Save(name string, v any) error
}

// Names of the records in Data.
const (
	preferencesFile = "wishes.json" // the name that version 0.1.0 gave it
	peersFile       = "peers.json"
)

func (c *Config) setDefaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Role.Policy == nil {
		c.Role = arch.Peer()
	}
	if c.Home.Reached == nil {
		c.Home.Reached = func() {}
	}
	if c.Intercept.Allow == nil {
		c.Intercept.Allow = func(moot.Key) bool { return true }
	}
	if c.Intercept.Seen == nil {
		c.Intercept.Seen = func(n moot.Node) moot.Node { return n }
	}
	if c.Timing.Mirror <= 0 {
		c.Timing.Mirror = time.Minute
	}
	if c.Timing.Copies <= 0 {
		c.Timing.Copies = 10 * time.Minute
	}
	if c.Timing.Away <= 0 {
		c.Timing.Away = time.Hour
	}
}

// loadPreferences reads what the node's owner prefers; by default nothing.
func loadPreferences(d Data) (p policy.Preferences, err error) {
	if err = d.Load(preferencesFile, &p); moot.KindOf(err) == moot.NotFound {
		err = nil
	}
	return p, err
}
