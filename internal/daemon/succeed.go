package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
)

// passOnTimeout is how long others may take to hear of an heir before it goes on.
const passOnTimeout = 10 * time.Second

// succeed has the home go on as a new device of the same member, because it was copied
// back and its feed has forked. Others hear of the heir from the old device, which they
// answer. A second try after a failure has the same heir.
func (h *home) succeed(ctx context.Context, n *node.Node) error {
	heir, err := h.heir()
	if err != nil {
		return err
	}
	if err := n.Succeed(ctx, heir); err != nil {
		return err
	}
	pass, cancel := context.WithTimeout(ctx, passOnTimeout)
	defer cancel()
	n.PassOn(pass)
	_, err = h.inherit(n)
	return err
}

// heir returns the key that is to take the place of the home's.
func (h *home) heir() (ed25519.PrivateKey, error) {
	key, err := seal.LoadKey(h.Path(heirFile))
	if errors.Is(err, moot.NotFound) {
		key = seal.NewKey()
		err = seal.SaveKey(h.Path(heirFile), key)
	}
	return key, err
}

// inherit gives the home the key of its heir, once that acts for the member, and reports
// whether it has. The old key stays: it opens what was sealed to it.
func (h *home) inherit(n *node.Node) (changed bool, err error) {
	heir, err := seal.LoadKey(h.Path(heirFile))
	if errors.Is(err, moot.NotFound) {
		return false, nil
	}
	if err != nil || !n.Acts(seal.Public(heir)) {
		return false, err
	}
	if seal.Public(heir) != h.self() {
		old := h.Path("key-" + h.self().Short() + ".pem")
		if err := seal.SaveKey(old, h.key); err != nil && !errors.Is(err, fs.ErrExist) && moot.KindOf(err) != moot.Conflict {
			return false, err
		}
	}
	if err := os.Rename(h.Path(heirFile), h.Path(keyFile)); err != nil {
		return false, node.OSError("go on as a new device", err)
	}
	if err := durable.SyncFolder(string(h.Dir)); err != nil {
		return false, node.OSError("go on as a new device", err)
	}
	return true, h.loadKeys()
}
