package link

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

// TestPeerIDs turns keys into peer IDs and back, and refuses other kinds of IDs.
func TestPeerIDs(t *testing.T) {
	for range 20 {
		key := seal.Public(seal.NewKey())
		id := PeerID(key)
		if got, err := KeyOf(id); err != nil || got != key {
			t.Errorf("%s becomes %q and %s, %v", key, id, got, err)
		}
	}
	_, pub, err := crypto.GenerateKeyPair(crypto.Secp256k1, 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := peer.IDFromPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []peer.ID{"", "nonsense", other} {
		if key, err := KeyOf(id); moot.KindOf(err) != moot.Invalid {
			t.Errorf("the key of %q is %s, %v", id, key, err)
		}
	}
}

// TestGater admits nobody but those whose keys are allowed, in both directions.
func TestGater(t *testing.T) {
	friend, stranger := seal.Public(seal.NewKey()), seal.Public(seal.NewKey())
	g := gater{allow: func(k moot.Key) bool { return k == friend }}
	for id, want := range map[peer.ID]bool{PeerID(friend): true, PeerID(stranger): false, "nonsense": false} {
		for what, got := range map[string]bool{
			"dial":          g.InterceptPeerDial(id),
			"dial address":  g.InterceptAddrDial(id, nil),
			"incoming":      g.InterceptSecured(network.DirInbound, id, nil),
			"outgoing, met": g.InterceptSecured(network.DirOutbound, id, nil),
		} {
			if got != want {
				t.Errorf("%s of %q is allowed: %t, want %t", what, id, got, want)
			}
		}
	}
	if !g.InterceptAccept(nil) {
		t.Error("a connection is refused before its key is known")
	}
	if ok, _ := g.InterceptUpgraded(nil); !ok {
		t.Error("a connection is refused after its key was allowed")
	}
}
