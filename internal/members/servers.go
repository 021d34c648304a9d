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
// server was checked before the entry counted.
func (m *Members) announced(ctx context.Context, each func(moot.Key, serverBody)) error {
	seen := map[moot.Key]bool{}
	for _, kind := range []moot.Kind{moot.KindServer, moot.KindSpace} { // the second is that of version 0.1.0
		for e, err := range m.cfg.Node.Query(ctx, moot.Query{Kind: kind, Prefix: policy.ServerPrefix}) {
			if err != nil {
				return err
			}
			var body serverBody
			named, err := moot.ParseKey(strings.TrimPrefix(e.Key, policy.ServerPrefix))
			if err != nil || named != e.Author || seen[named] || serverDecoder.Unmarshal(e.Body, &body) != nil {
				continue // only a server announces itself
			}
			seen[named] = true
			each(e.Author, body)
		}
	}
	return nil
}

// Serve announces the writer's node as a server of the space at the addresses, and with
// mail not empty as the one that exchanges mail for that domain. It does nothing if
// that is announced already.
func (m *Members) Serve(ctx context.Context, addrs []string, mail string) error {
	known := false
	err := m.announced(ctx, func(server moot.Key, body serverBody) {
		known = known || server == m.cfg.Self && slices.Equal(body.Addrs, addrs) && body.Mail == mail
	})
	if err != nil || known {
		return err
	}
	body, err := cbor.Marshal(serverBody{addrs, mail})
	if err != nil {
		return err
	}
	key := policy.ServerPrefix + m.cfg.Self.String()
	replaces, err := heads(ctx, m.cfg.Node, moot.KindServer, key)
	if err != nil {
		return err
	}
	_, err = sign.One(ctx, m.cfg.Write, moot.Merge, sign.Statement{Kind: moot.KindServer, Key: key, Replaces: replaces, Body: body})
	return err
}
