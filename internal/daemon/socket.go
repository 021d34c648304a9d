package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/link"
)

// dialSocket connects to the home's running node. Kind NotFound: none runs.
func dialSocket(ctx context.Context, h *home, via moot.Architecture) (*app.Session, error) {
	path := link.SocketPath(h.Path(socketFile))
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	s, err := api.Dial(ctx, &http.Client{Transport: transport}, "http://home", via)
	if err == nil {
		return s, nil
	}
	transport.CloseIdleConnections()
	var down *net.OpError
	if errors.As(err, &down) && down.Op == "dial" {
		return nil, moot.Errorf(moot.NotFound, "no node runs in this home")
	}
	return nil, err
}
