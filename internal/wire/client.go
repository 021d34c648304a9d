package wire

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mootspace/moot"
)

// Client is the node at the other end of a RoundTripper. Errors of the link are of kind
// Unavailable, unless the link gave them a kind; errors of the node keep their kind. A
// node of another version is asked once a minute. It is safe for concurrent use.
type Client struct {
	rt               http.RoundTripper
	base             string
	idleTimeout      time.Duration
	keepAliveTimeout time.Duration
	workTimeout      time.Duration
	mismatch         mismatch
}

var (
	_ moot.Node   = (*Client)(nil)
	_ moot.Runner = (*Client)(nil)
)

// NewClient returns the node that answers at base, as "https://host:port". It
// does not wait for the network. Redirections are not followed.
func NewClient(rt http.RoundTripper, base string) *Client {
	return &Client{rt: rt, base: strings.TrimRight(base, "/"), idleTimeout: idleTimeout, keepAliveTimeout: keepAliveTimeout, workTimeout: workTimeout}
}

// Transport returns the RoundTripper and the base URL, for requests of other packages.
func (c *Client) Transport() (rt http.RoundTripper, base string) { return c.rt, c.base }

// JobPath returns the path of a job at its coordinator.
func JobPath(id string) string { return strings.Replace(pathJob, "{id}", url.PathEscape(id), 1) }

// call is one request.
type call struct {
	method string
	path   string
	params url.Values
	header http.Header
	body   io.Reader     // nil for none
	want   string        // media type of the answer; "" if it has no body
	idle   time.Duration // idle timeout
}

// do sends a request. The response is a success of the wanted type, and its body must be
// closed; reading it fails with a moot.Error.
func (c *Client) do(ctx context.Context, call call) (*http.Response, error) {
	if err := c.mismatch.recent(); err != nil {
		return nil, err
	}
	ctx, idle := newIdleTimer(ctx, call.idle)
	req, err := c.request(ctx, call)
	if err != nil {
		idle.stop()
		return nil, err
	}
	if up, ok := call.body.(*upload); ok {
		up.idle = idle
	}
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		err = c.transportError(ctx, err)
		idle.stop()
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, ctx: ctx, idle: idle, client: c}
	if err := c.check(resp, call.want); err != nil {
		resp.Body.Close()
		return nil, err
	}
	idle.pause()
	return resp, nil
}

func (c *Client) request(ctx context.Context, call call) (*http.Request, error) {
	target := c.base + call.path
	if len(call.params) > 0 {
		target += "?" + call.params.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, call.method, target, call.body)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "%.200q is not the address of a node: %w", c.base, err)
	}
	if _, ok := call.body.(*upload); ok {
		req.ContentLength = -1 // unknown, and not to be probed for emptiness
	}
	for name, values := range call.header {
		req.Header[name] = values
	}
	// Lets net/http send the request again on a new connection if a kept one turns out to
	// be dead, as after a restart of the server: queries and appends are idempotent.
	req.Header["Idempotency-Key"] = nil
	if call.want != "" && req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", call.want)
	}
	return req, nil
}

// check returns an error unless resp is a success with a body of the wanted type.
func (c *Client) check(resp *http.Response, want string) error {
	if resp.StatusCode/100 != 2 {
		err := NodeProblem(resp)
		c.mismatch.note(resp, err)
		return err
	}
	got, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if want != "" && got != want {
		return moot.Errorf(moot.Unavailable, "the response is %.60q instead of %s: this is not a node", got, want)
	}
	return nil
}

// transportError gives an error of the transport a kind.
func (c *Client) transportError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if kind := moot.KindOf(err); kind != moot.Internal && kind != "" {
		return moot.Wrap(c.base, err)
	}
	var refused *url.Error
	if errors.As(err, &refused) {
		err = refused.Err // the address is in Op already
	}
	return &moot.Error{Op: c.base, Kind: moot.Unavailable, Err: err}
}

// fetch gets JSON of at most maxQuery bytes and decodes it into v.
func (c *Client) fetch(ctx context.Context, call call, v any) error {
	call.want = typeJSON
	resp, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := readAll(resp.Body, maxQuery)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil { // fields of later versions are ignored
		return moot.Errorf(moot.Corrupt, "the response is not the expected JSON: %s", printable(err.Error()))
	}
	return nil
}

// body is the body of a response, read under the idle timeout.
type body struct {
	io.ReadCloser
	ctx    context.Context //nolint:containedctx // methods of io take no context
	idle   *idleTimer
	client *Client
}

func (b *body) Read(p []byte) (int, error) {
	b.idle.start()
	n, err := b.ReadCloser.Read(p)
	b.idle.pause()
	if err != nil && err != io.EOF {
		err = b.client.transportError(b.ctx, err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.idle.stop()
	return err
}
