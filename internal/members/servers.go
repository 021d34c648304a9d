package members

import (
	"context"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// policy.ServerPrefix starts the key of the entry in which a server says where it is, so
// that members who joined before there was one learn of it.

// serverBody is what a server says of itself, so that members who joined before
// there was one learn of it.
type serverBody struct {
	Addrs []string `cbor:"0,keyasint"`
}

// Servers returns the space's servers and their addresses, as they announced them.
// Whether an announcer may be a server was decided when its entry was admitted.
func (m *Members) Servers(ctx context.Context) (servers []moot.Peer, err error) {
	for e, err := range m.node.Query(ctx, moot.Query{Kind: moot.KindSpace, Prefix: policy.ServerPrefix}) {
		if err != nil {
			return nil, err
		}
		var body serverBody
		named, err := moot.ParseKey(strings.TrimPrefix(e.Key, policy.ServerPrefix))
		if err != nil || named != e.Author || cbor.Unmarshal(e.Body, &body) != nil {
			continue // only a server itself says where it is
		}
		servers = append(servers, moot.Peer{ID: e.Author, Addrs: body.Addrs, Server: true})
	}
	return servers, nil
}

// Serve announces the writer's node as a server of the space at the addresses. It
// says nothing if that is known already.
func (m *Members) Serve(ctx context.Context, self moot.Key, addrs []string) error {
	known, err := m.Servers(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(known, func(p moot.Peer) bool { return p.ID == self && slices.Equal(p.Addrs, addrs) }) {
		return nil
	}
	body, err := cbor.Marshal(serverBody{addrs})
	if err != nil {
		return err
	}
	key := policy.ServerPrefix + self.String()
	replaces, err := heads(ctx, m.node, moot.KindSpace, key)
	if err != nil {
		return err
	}
	_, err = m.write.Append(ctx, moot.KindSpace, key, replaces, body, moot.Merge)
	return err
}
