package mta

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/emersion/go-smtp"
)

// deliverDomain attempts the hosts of a domain in order until one responds, and sets the
// recipients' responses.
func (cl *client) deliverDomain(ctx context.Context, m *queued, domain string) {
	plain := false
	for _, r := range m.to {
		plain = plain || r.status == tlsFailed && !cl.RequireTLS
		r.response = response{}
	}
	m.setResponse(responseOf(cl.tryHosts(ctx, m, domain, plain), ""))
}

// tryHosts returns nil if a host responded, else the most informative error.
func (cl *client) tryHosts(ctx context.Context, m *queued, domain string, plain bool) (why error) {
	names := []string{""}
	if cl.Smarthost == nil {
		var err error
		if names, err = cl.route(ctx, domain); err != nil {
			return err
		}
	}
	for _, name := range names {
		h, err := cl.resolveHost(ctx, name)
		if err != nil {
			why = better(why, err)
			continue
		}
		for _, addr := range h.addr {
			err := cl.attempt(ctx, m, h, addr, plain)
			if err == nil {
				return nil
			}
			why = better(why, err)
		}
	}
	return why
}

// better returns the more informative of two errors: a TLS failure, which changes the
// next attempt; then a transient one, because no message fails while a host may still
// accept it.
func better(a, b error) error {
	rank := func(err error) int {
		switch {
		case err == nil:
			return 0
		case errors.Is(err, errTLS):
			return 3
		case !responseOf(err, "").permanent():
			return 2
		}
		return 1
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func (cl *client) resolveHost(ctx context.Context, name string) (host, error) {
	if cl.Smarthost != nil {
		return cl.Smarthost.host()
	}
	return cl.resolve(ctx, name)
}

// setResponse sets the response of recipients without one.
func (m *queued) setResponse(a response) {
	for _, r := range m.to {
		if r.status == "" {
			r.response = a
		}
	}
}

// attempt transmits the message to one server. An error means that the server gave no
// response and another may be attempted.
func (cl *client) attempt(ctx context.Context, m *queued, h host, addr string, plain bool) error {
	c, err := cl.connect(ctx, h, addr, false)
	if plain && errors.Is(err, errTLS) {
		c, err = cl.connect(ctx, h, addr, true)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Mail(m.from, m.options()); err != nil {
		return cl.refused(m, c, h, err)
	}
	var accepted []*recipient
	for _, r := range m.to {
		if err := c.Rcpt(r.address, nil); err != nil {
			r.response = responseOf(err, h.name)
			continue
		}
		accepted = append(accepted, r)
	}
	if len(accepted) > 0 {
		a := cl.transfer(m, c, h)
		for _, r := range accepted {
			r.response = a
		}
	}
	_ = c.Quit() // the replies so far stand
	return nil
}

// options returns the ESMTP parameters of the message.
func (m *queued) options() *smtp.MailOptions {
	return &smtp.MailOptions{Size: m.size, UTF8: m.utf8}
}

// refused handles a refused MAIL. After a transient reply other hosts are attempted.
func (cl *client) refused(m *queued, c *smtp.Client, h host, err error) error {
	if ok, _ := c.Extension("SMTPUTF8"); m.utf8 && !ok {
		m.setResponse(response{"the server does not support non-ASCII addresses or header fields", "5.6.7", h.name}) // RFC 6531, 3.5
		return nil
	}
	a := responseOf(err, h.name)
	if !a.permanent() {
		return err
	}
	m.setResponse(a)
	_ = c.Quit() // the replies so far stand
	return nil
}

// transfer sends the message to the accepted recipients.
func (cl *client) transfer(m *queued, c *smtp.Client, h host) response {
	lost := response{"the message is missing from the queue", "5.3.0", ""}
	text, err := cl.Queue.openText(m)
	if errors.Is(err, fs.ErrNotExist) {
		return lost
	}
	if err != nil {
		return responseOf(failuref("4.3.0", "%w", err), "")
	}
	defer text.Close()
	data, err := c.Data()
	if err != nil {
		return responseOf(err, h.name)
	}
	n, err := io.Copy(data, text)
	if err != nil || n != m.size {
		_ = c.Close() // without the final dot, or the server would accept a truncated message
	}
	switch {
	case err != nil:
		return responseOf(err, h.name)
	case n != m.size:
		return lost
	}
	smtpErr, err := data.CloseWithResponse()
	if err != nil {
		return responseOf(err, h.name)
	}
	return response{oneLine("250 " + smtpErr.StatusText), "2.0.0", h.name}
}
