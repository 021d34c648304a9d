package link

import (
	"crypto/ed25519"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/mootspace/moot"
)

// PeerID returns the libp2p peer ID of a key. Its form is the key itself
// ("identity" multihash), so the two can be turned into one another.
func PeerID(k moot.Key) peer.ID {
	pub, err := crypto.UnmarshalEd25519PublicKey(k[:])
	if err != nil {
		return ""
	}
	id, err := peer.IDFromPublicKey(pub)
	if err != nil {
		return ""
	}
	return id
}

// KeyOf is the inverse of PeerID. Kind Invalid for an ID of another kind of key.
func KeyOf(id peer.ID) (moot.Key, error) {
	pub, err := id.ExtractPublicKey()
	if err == nil {
		if raw, err := pub.Raw(); err == nil && pub.Type() == crypto.Ed25519 && len(raw) == ed25519.PublicKeySize {
			return moot.Key(raw), nil
		}
	}
	return moot.Key{}, moot.Errorf(moot.Invalid, "peer %s has no Ed25519 key", id)
}
