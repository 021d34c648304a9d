package daemon

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// home is a directory with all that a node keeps:
//
//	key.pem        the member's private key
//	settings.json  which space, whom to ask
//	peers.json     where others were last seen
//	wishes.json    what this node serves, to whom, how fast
//	moot.db        entries (SQLite)
//	blobs/         bytes
//	mail.db        what was made of messages (SQLite), in the clear
//	accounts/      private keys of members that this node acts for
//	passwords.json hashes of what mail programs log in with
//	outbox/        mail on its way to people elsewhere
//	dkim-*.pem     keys that sign it
//	mail-tls.pem   what mail programs are shown if there is no other certificate
//	node.sock      where the running node listens for its owner's commands
type home struct {
	dir      string
	key      ed25519.PrivateKey
	settings settings
}

// settingsVersion is raised when an older program could misread a home.
const settingsVersion = 1

type settings struct {
	Version  int         `json:"version"`
	Space    moot.Key    `json:"space"`
	Name     string      `json:"name"`               // of the space
	As       string      `json:"as"`                 // this member, when it joined
	Servers  []moot.Peer `json:"servers,omitempty"`  // from the invitation, or learnt
	Peers    []moot.Peer `json:"peers,omitempty"`    // from the invitation
	NoPeer   bool        `json:"no_peer,omitempty"`  // the invitation named a server only
	Restored bool        `json:"restored,omitempty"` // from a backup, and has not heard from others since
	Database string      `json:"database,omitempty"`
	Blobs    string      `json:"blobs,omitempty"`

	MailDomain string `json:"mail_domain,omitempty"` // for which this server exchanges mail with the outside
	MailHost   string `json:"mail_host,omitempty"`   // this server's name in the DNS
	MailQuota  int64  `json:"mail_quota,omitempty"`  // bytes of a mailbox on this server; 0 for no limit
}

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }
func (h *home) socket() string          { return h.path("node.sock") }
func (h *home) self() moot.Key          { return seal.Public(h.key) }

// createHome makes a directory with a new key; settings are written by save.
func createHome(dir string) (*home, error) {
	if _, err := os.Stat(filepath.Join(dir, "settings.json")); err == nil {
		return nil, moot.Errorf(moot.Invalid, "%s is already the home of a node: give another --home", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, osError("make the home", err)
	}
	h := &home{dir: dir}
	key, err := seal.LoadKey(h.path("key.pem")) // left by a join that did not finish: keep the identity
	if errors.Is(err, moot.NotFound) {
		key = seal.NewKey()
		err = seal.SaveKey(h.path("key.pem"), key)
	}
	if err != nil {
		return nil, osError("make the home", err)
	}
	h.key = key
	return h, nil
}

func openHome(dir string) (*home, error) {
	h := &home{dir: dir}
	err := readJSON(h.path("settings.json"), &h.settings)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, moot.Errorf(moot.NotFound, "%s is not the home of a node: run 'moot init' or 'moot join LINK' first, or give --home", dir)
	}
	if err != nil {
		return nil, osError("read the home "+dir, err)
	}
	if h.settings.Version > settingsVersion {
		return nil, moot.Errorf(moot.Invalid, "the home %s was made by a newer version of moot: update this one", dir)
	}
	if h.key, err = seal.LoadKey(h.path("key.pem")); err != nil {
		return nil, osError("read the home "+dir, err)
	}
	return h, nil
}

func (h *home) save() error {
	h.settings.Version = settingsVersion
	return writeJSON(h.path("settings.json"), h.settings)
}

// peers returns where others were last seen, and those the invitation named.
func (h *home) peers() []moot.Peer {
	var seen []moot.Peer
	readJSON(h.path("peers.json"), &seen) // only a memory: without it the invitation's peers are asked
	return append(seen, h.settings.Peers...)
}

func (h *home) wishes() (w policy.Preferences, err error) {
	err = readJSON(h.path("wishes.json"), &w)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return w, err
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return moot.Errorf(moot.Corrupt, "%s is damaged: %w", path, err)
	}
	return nil
}

// writeJSON replaces the file as a whole, so that a crash leaves the old or the new.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return osError("write "+path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = durable.SyncFolder(filepath.Dir(path))
	}
	return osError("write "+path, err)
}

// osError gives a failed system call the kind that says what to do.
func osError(op string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &moot.Error{Op: op, Kind: moot.Denied, Err: err}
	}
	return durable.Error(op, err)
}
