// Package daemon runs this program in a home directory: it opens the home, runs the
// node in it, answers its owner's commands on a socket, makes and restores backups, and
// joins spaces.
//
// It must not know how a node is assembled or what is answered.
package daemon

import (
	"crypto/ed25519"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
)

// home is a directory with all that a node keeps:
//
//	key.pem        the device's private key
//	key-*.pem      those of devices that it is the heir of
//	heir.pem       the key of its own heir, while that is being made
//	mailbox-*.json private halves of the mailbox keys, by device
//	names.json     which members names meant
//	settings.json  which space, whom to ask
//	peers.json     where others were last seen
//	wishes.json    what the owner prefers: what is served, to whom, how fast
//	moot.db        entries (SQLite)
//	blobs/         bytes
//	mail.db        index of messages (SQLite), in the clear
//	jobs.db        queue of jobs (SQLite)
//	accounts/      private keys of members whose accounts this node hosts
//	passwords.json hashes of mail programs' passwords
//	tokens.json    hashes of programs' tokens
//	outbox/        mail on its way to people elsewhere
//	dkim-*.pem     keys that sign it
//	mail-tls.pem   certificate for mail programs if there is no other
//	web-tls.pem    certificate for people's programs if there is no other
//	.backup/       databases that are being backed up
//	.restoring/    what will be the home, while it is restored
//	node.sock      where the running node answers its owner's commands
type home struct {
	node.Dir
	key ed25519.PrivateKey
	old []ed25519.PrivateKey // of devices that this one is the heir of

	mu       sync.Mutex
	settings settings
}

const (
	settingsFile = "settings.json"
	keyFile      = "key.pem"
	heirFile     = "heir.pem"
	socketFile   = "node.sock"
)

// oldKeyPattern names the keys that the home had before.
const oldKeyPattern = "key-*.pem"

// settingsVersion is raised when an older program could misread a home.
const settingsVersion = 2

type settings struct {
	Version  int          `json:"version"`
	Space    moot.SpaceID `json:"space"`
	Name     string       `json:"name"`               // of the space
	As       string       `json:"as"`                 // this member, when it joined
	Servers  []moot.Peer  `json:"servers,omitempty"`  // from the invitation
	Peers    []moot.Peer  `json:"peers,omitempty"`    // from the invitation
	NoPeer   bool         `json:"no_peer,omitempty"`  // the invitation named a server only
	Restored bool         `json:"restored,omitempty"` // from a backup, and no entries were exchanged since
	Database string       `json:"database,omitempty"`
	Blobs    string       `json:"blobs,omitempty"`

	MailDomain string `json:"mail_domain,omitempty"` // for which this server exchanges mail with the outside
	MailHost   string `json:"mail_host,omitempty"`   // this server's name in the DNS
	MailQuota  int64  `json:"mail_quota,omitempty"`  // bytes of a mailbox on this server; 0 for no limit
}

func (h *home) self() moot.Key { return seal.Public(h.key) }

// createHome makes a directory with a new key, and reports whether the directory is new;
// settings are written by save.
func createHome(dir string) (h *home, fresh bool, err error) {
	h = &home{Dir: node.Dir(dir)}
	if err := h.checkUnused(); err != nil {
		return nil, false, err
	}
	_, err = os.Stat(dir)
	fresh = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, node.OSError("make the home", err)
	}
	h.key, err = seal.LoadKey(h.Path(keyFile)) // left by a join that did not finish: keep the identity
	if errors.Is(err, moot.NotFound) {
		err = h.newKey()
	}
	return h, fresh, node.OSError("make the home", err)
}

// newKey gives the home another key.
func (h *home) newKey() error {
	if err := remove(h.Path(keyFile)); err != nil {
		return node.OSError("make a key", err)
	}
	h.key = seal.NewKey()
	return seal.SaveKey(h.Path(keyFile), h.key)
}

// beginAnew drops what an attempt to begin a space has left that was interrupted: nobody
// else knows of it, and its recovery code may never have been shown.
func (h *home) beginAnew() error {
	_, found, err := h.firstAct()
	if err != nil || !found {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} { // of SQLite
		err = errors.Join(err, remove(h.Path(databaseFile+suffix)))
	}
	if err != nil {
		return node.OSError("begin anew", err)
	}
	return h.newKey()
}

// checkUnused refuses a directory in which a home is, or was about to be.
func (h *home) checkUnused() error {
	if _, err := os.Stat(h.Path(stagingFolder)); err == nil && h.checkNoHome() == nil {
		return moot.Errorf(moot.Conflict, "a restore into %s was interrupted: restore it again, or remove the directory", h.Dir)
	}
	return h.checkNoHome()
}

func (h *home) checkNoHome() error {
	if _, err := os.Stat(h.Path(settingsFile)); err == nil {
		return moot.WithHint(moot.Errorf(moot.Invalid, "%s is already the home of a node", h.Dir), moot.HintOtherHome)
	}
	return nil
}

func openHome(dir string) (*home, error) {
	h := &home{Dir: node.Dir(dir)}
	err := h.Load(settingsFile, &h.settings)
	if errors.Is(err, moot.NotFound) {
		return nil, moot.WithHint(moot.Errorf(moot.NotFound, "%s is not the home of a node", dir), moot.HintCreate)
	}
	if err != nil {
		return nil, moot.Wrap("read the home "+dir, err)
	}
	if h.settings.Version > settingsVersion {
		return nil, moot.WithHint(moot.Errorf(moot.Invalid, "the home %s was made by a newer version of moot", dir), moot.HintUpdate)
	}
	return h, node.OSError("read the home "+dir, h.loadKeys())
}

// loadKeys reads the device's key and those of before.
func (h *home) loadKeys() (err error) {
	if h.key, err = seal.LoadKey(h.Path(keyFile)); err != nil {
		return err
	}
	paths, err := filepath.Glob(h.Path(oldKeyPattern))
	h.old = nil
	for _, path := range paths {
		key, err := seal.LoadKey(path)
		if err != nil {
			return err
		}
		h.old = append(h.old, key)
	}
	return err
}

func (h *home) save() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settings.Version = settingsVersion
	return h.Save(settingsFile, h.settings)
}

// alone says that nobody else has anything that this restored home lacks.
func (h *home) alone() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settings.Restored = false
	return h.Save(settingsFile, h.settings)
}

// ready reports why nothing may be written yet: a restored home does not know what it
// has written since the backup was made.
func (h *home) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.settings.Restored {
		return nil
	}
	return moot.WithHint(moot.Errorf(moot.Unavailable, "this home was restored from a backup, and must first hear from another member's node what it has written since"), moot.HintStartNode)
}

// reached ends the wait of a restored home: entries were exchanged with another node.
func (h *home) reached(log *slog.Logger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.settings.Restored {
		return
	}
	h.settings.Restored = false
	if err := h.Save(settingsFile, h.settings); err != nil {
		log.Error("settings", "error", err)
	}
}
