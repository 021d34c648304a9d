package link

import (
	"context"
	"net"
	"net/http"

	"github.com/libp2p/go-libp2p/p2p/net/gostream"

	"github.com/mootspace/moot"
)

// Transport speaks HTTP to one peer.
type Transport struct{ *http.Transport }

// Transport returns a transport to a peer; the host name in a request's URL is ignored.
func (h *Host) Transport(p moot.Peer) Transport {
	return Transport{&http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if err := h.Connect(ctx, p); err != nil {
				return nil, err
			}
			conn, err := gostream.Dial(ctx, h.host, PeerID(p.ID), Protocol)
			if err == nil {
				return conn, nil
			}
			if conn, oldErr := gostream.Dial(ctx, h.host, PeerID(p.ID), oldProtocol); oldErr == nil {
				return conn, nil
			}
			return nil, unreachable(err)
		},
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     idleFor / 2, // shorter than the server's idle timeout
		ReadBufferSize:      64 << 10,
		WriteBufferSize:     64 << 10,
		DisableCompression:  true,
	}}
}

// RoundTrip tries a request a second time if the connection turns out to be broken,
// as it is after the peer was started anew, and if it can be sent again.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(r)
	if err == nil || r.Context().Err() != nil || r.Body != nil && r.GetBody == nil {
		return resp, err
	}
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		body, bodyErr := r.GetBody()
		if bodyErr != nil {
			return nil, err
		}
		again.Body = body
	}
	t.CloseIdleConnections()
	return t.Transport.RoundTrip(again)
}
