package members

import (
	"context"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
)

// serverBody is a server's announcement under policy.ServerPrefix, which members read who
// joined before there was a server.
type serverBody struct {
	Addrs []string `cbor:"0,keyasint"`
	Mail  string   `cbor:"1,keyasint,omitempty"` // the domain for which it exchanges mail with the outside
}

// serverDecoder takes as many addresses as fit an entry; a server has a handful.
var serverDecoder = cbor.NewDecoder(cbor.Limits{Elements: 1024})

// Servers returns the space's servers and their addresses, as they announced them.
func (m *Members) Servers(ctx context.Context) (servers []moot.Peer, err error) {
	err = m.announced(ctx, func(server moot.Key, body serverBody) {
		servers = append(servers, moot.Peer{ID: server, Addrs: body.Addrs, Server: true})
	})
	return servers, err
}

// Mail returns the domain of the space's mail, and the servers that exchange mail for it
// with the outside; "" if none does.
func (m *Members) Mail(ctx context.Context) (domain string, servers []moot.Key, err error) {
	err = m.announced(ctx, func(server moot.Key, body serverBody) {
		if domain == "" {
			domain = body.Mail
		}
		if domain != "" && body.Mail == domain {
			servers = append(servers, server)
		}
	})
	return domain, servers, err
}

// announced calls each with every server's announcement. Whether its author may be a
// server was checked when the entry was admitted.
func (m *Members) announced(ctx context.Context, each func(moot.Key, serverBody)) error {
	for e, err := range m.node.Query(ctx, moot.Query{Kind: moot.KindSpace, Prefix: policy.ServerPrefix}) {
		if err != nil {
			return err
		}
		var body serverBody
		named, err := moot.ParseKey(strings.TrimPrefix(e.Key, policy.ServerPrefix))
		if err != nil || named != e.Author || serverDecoder.Unmarshal(e.Body, &body) != nil {
			continue // only a server announces itself
		}
		each(e.Author, body)
	}
	return nil
}

// Serve announces the writer's node as a server of the space at the addresses, and with
// mail not empty as the one that exchanges mail for that domain. It does nothing if
// that is announced already.
func (m *Members) Serve(ctx context.Context, self moot.Key, addrs []string, mail string) error {
	known := false
	err := m.announced(ctx, func(server moot.Key, body serverBody) {
		known = known || server == self && slices.Equal(body.Addrs, addrs) && body.Mail == mail
	})
	if err != nil || known {
		return err
	}
	body, err := cbor.Marshal(serverBody{addrs, mail})
	if err != nil {
		return err
	}
	key := policy.ServerPrefix + self.String()
	replaces, err := heads(ctx, m.node, moot.KindSpace, key)
	if err != nil {
		return err
	}
	_, err = sign.One(ctx, m.write, moot.Merge, sign.Statement{Kind: moot.KindSpace, Key: key, Replaces: replaces, Body: body})
	return err
}
