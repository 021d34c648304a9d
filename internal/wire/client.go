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

// Client is the node at the other end of a RoundTripper. What goes wrong on the
// way is of kind Unavailable, unless the link gave it a kind; what the node
// refuses has the kind that the node gave. It is safe for concurrent use.
type Client struct {
	rt      http.RoundTripper
	base    string
	silence time.Duration // see answerWithin
	alive   time.Duration // see aliveWithin
	toil    time.Duration // see workWithin
	own     bool          // see Own
}

var (
	_ moot.Node   = (*Client)(nil)
	_ moot.Runner = (*Client)(nil)
)

// NewClient returns the node that answers at base, as "https://host:port". It
// does not wait for the network. Redirections are not followed.
func NewClient(rt http.RoundTripper, base string) *Client {
	return &Client{rt: rt, base: strings.TrimRight(base, "/"), silence: answerWithin, alive: aliveWithin, toil: workWithin}
}

// Own returns the client for a node of this machine and user: what it says to have stored
// is believed, because that node, or its own client, hashes the same bytes.
func (c *Client) Own() *Client {
	own := *c
	own.own = true
	return &own
}

// Transport returns what requests go through, and the address they begin with, for
// questions that other packages ask.
func (c *Client) Transport() (rt http.RoundTripper, base string) { return c.rt, c.base }

// call is one request.
type call struct {
	method string
	path   string
	params url.Values
	header http.Header
	body   io.Reader     // nil for none
	want   string        // media type of the answer; "" if it has no body
	within time.Duration // how long a silence is suffered
}

// do sends a request. The answer is a success of the wanted type, and its body
// must be closed; reading it fails with a moot.Error.
func (c *Client) do(ctx context.Context, call call) (*http.Response, error) {
	ctx, wait := newPatience(ctx, call.within)
	req, err := c.request(ctx, call)
	if err != nil {
		wait.over()
		return nil, err
	}
	if up, ok := call.body.(*upload); ok {
		up.wait = wait
	}
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		err = c.broken(ctx, err)
		wait.over()
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, ctx: ctx, wait: wait, client: c}
	if err := check(resp, call.want); err != nil {
		resp.Body.Close()
		return nil, err
	}
	wait.rest()
	return resp, nil
}

func (c *Client) request(ctx context.Context, call call) (*http.Request, error) {
	target := c.base + call.path
	if len(call.params) > 0 {
		target += "?" + call.params.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, call.method, target, call.body)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "%.200q is not a node's address: %w", c.base, err)
	}
	if _, ok := call.body.(*upload); ok {
		req.ContentLength = -1 // unknown, and not to be probed for emptiness
	}
	for name, values := range call.header {
		req.Header[name] = values
	}
	// net/http may then send it again if a kept connection turns out to be dead, as after
	// the server was restarted: asking twice is harmless, and so is appending twice.
	req.Header["Idempotency-Key"] = nil
	if call.want != "" && req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", call.want)
	}
	return req, nil
}

// check returns an error unless resp is a success with the wanted body.
func check(resp *http.Response, want string) error {
	if resp.StatusCode/100 != 2 {
		return ReadProblem(resp)
	}
	got, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if want != "" && got != want {
		return moot.Errorf(moot.Unavailable, "answered with %.60q instead of %s, not as a node does", got, want)
	}
	return nil
}

// broken gives an error of the transport a kind.
func (c *Client) broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if kind := moot.KindOf(err); kind != moot.Internal && kind != "" {
		return moot.Wrap(c.base, err)
	}
	var refused *url.Error
	if errors.As(err, &refused) {
		err = refused.Err // the address is named already
	}
	return &moot.Error{Op: c.base, Kind: moot.Unavailable, Err: err}
}

// fetch asks for JSON of at most maxQuery bytes and decodes it into v.
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
		return moot.Errorf(moot.Corrupt, "answered what is not the JSON expected: %s", printable(err.Error()))
	}
	return nil
}

// body is the body of an answer.
type body struct {
	io.ReadCloser
	ctx    context.Context
	wait   *patience
	client *Client
}

func (b *body) Read(p []byte) (int, error) {
	b.wait.begin()
	n, err := b.ReadCloser.Read(p)
	b.wait.rest()
	if err != nil && err != io.EOF {
		err = b.client.broken(b.ctx, err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.wait.over()
	return err
}
