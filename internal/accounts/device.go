package accounts

import (
	"crypto/ed25519"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
)

// device is a device that the node keeps.
type device struct {
	key      ed25519.PrivateKey
	signer   *sign.Signer
	revoked  chan struct{} // closed when it does not act any more
	sessions chan struct{} // closed then, and when its member's passwords are revoked
	ended    bool          // both are closed
}

func newDevice(key ed25519.PrivateKey, signer *sign.Signer) *device {
	return &device{key: key, signer: signer, revoked: make(chan struct{}), sessions: make(chan struct{})}
}

// logout ends all sessions.
func (d *device) logout() {
	if !d.ended {
		close(d.sessions)
		d.sessions = make(chan struct{})
	}
}

// end ends all that goes on with the device.
func (d *device) end() {
	if !d.ended {
		d.ended = true
		close(d.sessions)
		close(d.revoked)
	}
}

// begin makes a device that acts again one that can be used.
func (d *device) begin() {
	if d.ended {
		d.ended, d.revoked, d.sessions = false, make(chan struct{}), make(chan struct{})
	}
}

// Review ends what goes on with devices that do not act for their members any more. It is
// to be called after membership has changed; it looks at every account.
func (a *Accounts) Review() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.review(a.cfg.Own.Device(), a.own)
	for key, d := range a.kept {
		a.review(key, d)
	}
}

func (a *Accounts) review(key moot.Key, d *device) {
	if a.cfg.Roster.Acts(key) {
		d.begin()
	} else if _, known := a.cfg.Roster.Owner(key); known {
		d.end()
	}
}

// logout ends the sessions of a member.
func (a *Accounts) logout(member moot.MemberID) {
	m, _ := a.cfg.Roster.Member(member)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, in := range m.Devices {
		if d := a.device(in.Key); d != nil {
			d.logout()
		}
	}
}
