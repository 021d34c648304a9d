package node

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/wire"
)

// enableRequest asks a server to keep one more device of the caller's member.
type enableRequest struct {
	Link     string `json:"link"`
	Password string `json:"password,omitempty"` // chosen by a person; empty: the server makes one
}

// Limits of a request for an account.
const (
	maxEnable     = 64 << 10 // bytes, also of the answer
	enableTimeout = 30 * time.Second
	enableLink    = time.Hour // for which the link is good
)

// enableHandler has this server keep devices for members who ask for it.
func (n *Node) enableHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, err := n.enable(r)
		if err != nil {
			wire.WriteProblem(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(d) // an error means that the caller has left
	})
}

func (n *Node) enable(r *http.Request) (d accounts.Description, err error) {
	if !n.cfg.Role.HoldsMail {
		return d, moot.WithHint(moot.Errorf(moot.Denied, "only a server of the space keeps accounts"), moot.HintAskServer)
	}
	var in enableRequest
	dec := json.NewDecoder(io.LimitReader(r.Body, maxEnable))
	if err := dec.Decode(&in); err != nil {
		return d, moot.Errorf(moot.Invalid, "the request is not the JSON expected: %w", err)
	}
	l, err := members.ParseLink(in.Link, n.cfg.Now())
	if err != nil {
		return d, err
	}
	who, err := n.network.roster.Acting(moot.Caller(r.Context()))
	if err != nil {
		return d, err
	}
	if l.For != who.ID {
		return d, moot.Errorf(moot.Denied, "the link is not for a device of %s", who.Name)
	}
	return n.accounts.Enable(r.Context(), in.Link, in.Password)
}

// EnableAccount implements app.Control.
func (c control) EnableAccount(ctx context.Context, o app.EnableOptions) (app.Account, error) {
	p := people{Members: c.members(routed{c.routes, c.via}, c.Writer(c.via), c.network.roster), node: c.Node}
	in, err := p.AddDevice(ctx, app.DeviceOptions{Expires: enableLink})
	if err != nil {
		return app.Account{}, err
	}
	if c.cfg.Role.HoldsMail {
		d, err := c.accounts.Enable(ctx, in.Link, o.Password)
		return c.describeAccount(ctx, d), err
	}
	failed := moot.WithHint(moot.Errorf(moot.Unavailable, "the space has no server that could keep an account"), moot.HintStartServer)
	for _, server := range c.network.Servers(ctx) {
		var d accounts.Description
		if d, failed = c.askEnable(ctx, server, enableRequest{in.Link, o.Password}); failed == nil {
			out := c.describeAccount(ctx, d)
			if len(server.Addrs) > 0 {
				out.Server = server.Addrs[0]
			}
			return out, nil
		}
	}
	return app.Account{}, moot.Wrap("enable an account", failed)
}

func (c control) askEnable(ctx context.Context, server moot.Peer, in enableRequest) (d accounts.Description, err error) {
	ctx, cancel := context.WithTimeout(ctx, enableTimeout)
	defer cancel()
	remote, err := c.network.dial.Client(server)
	if err != nil {
		return d, err
	}
	rt, base := remote.Transport()
	text, err := json.Marshal(in)
	if err != nil {
		return d, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+wire.PathAccounts, bytes.NewReader(text))
	if err != nil {
		return d, moot.Errorf(moot.Invalid, "%w", err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return d, &moot.Error{Kind: moot.Unavailable, Err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return d, wire.NodeProblem(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxEnable)).Decode(&d); err != nil {
		return d, moot.Errorf(moot.Corrupt, "the server's answer is not the JSON expected: %w", err)
	}
	return d, nil
}
