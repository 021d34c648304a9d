package mta

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/emersion/go-smtp"
)

// try offers the message to the hosts of a domain, one after the other, until one has
// an answer for the recipients, and notes the answers with them.
func (w *way) try(ctx context.Context, m *queued, domain string) {
	plain := false
	for _, r := range m.to {
		plain = plain || r.status == tlsFailed && !w.RequireTLS
		r.answer = answer{}
	}
	m.answerAll(answerOf(w.tryHosts(ctx, m, domain, plain), ""))
}

// tryHosts returns nil if a host had answers, else why none had.
func (w *way) tryHosts(ctx context.Context, m *queued, domain string, plain bool) (why error) {
	names := []string{""}
	if w.Smarthost == nil {
		var err error
		if names, err = w.route(ctx, domain); err != nil {
			return err
		}
	}
	for _, name := range names {
		h, err := w.find(ctx, name)
		if err != nil {
			why = better(why, err)
			continue
		}
		for _, addr := range h.addr {
			err := w.offer(ctx, m, h, addr, plain)
			if err == nil {
				return nil
			}
			why = better(why, err)
		}
	}
	return why
}

// better returns which of two failures says more: that of TLS, by which the next try is
// another; then one that may pass, as no message fails while a host may yet take it.
func better(a, b error) error {
	rank := func(err error) int {
		switch {
		case err == nil:
			return 0
		case errors.Is(err, errTLS):
			return 3
		case !answerOf(err, "").permanent():
			return 2
		}
		return 1
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func (w *way) find(ctx context.Context, name string) (host, error) {
	if w.Smarthost != nil {
		return w.Smarthost.host()
	}
	return w.resolve(ctx, name)
}

// answerAll gives the answer to all who have none.
func (m *queued) answerAll(a answer) {
	for _, r := range m.to {
		if r.status == "" {
			r.answer = a
		}
	}
}

// offer offers the message to one server. Its error means that the server had no
// answer, and another may be asked.
func (w *way) offer(ctx context.Context, m *queued, h host, addr string, plain bool) error {
	c, err := w.connect(ctx, h, addr, false)
	if plain && errors.Is(err, errTLS) {
		c, err = w.connect(ctx, h, addr, true)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Mail(m.from, m.options(c)); err != nil {
		return w.refused(m, c, h, err)
	}
	var accepted []*recipient
	for _, r := range m.to {
		if err := c.Rcpt(r.address, nil); err != nil {
			r.answer = answerOf(err, h.name)
			continue
		}
		accepted = append(accepted, r)
	}
	if len(accepted) > 0 {
		a := w.transfer(m, c, h)
		for _, r := range accepted {
			r.answer = a
		}
	}
	c.Quit()
	return nil
}

// options say what is special about the message.
func (m *queued) options(c *smtp.Client) *smtp.MailOptions {
	return &smtp.MailOptions{Size: m.size, UTF8: m.utf8}
}

// refused notes the answer to MAIL. After one that passes, or none, others are asked.
func (w *way) refused(m *queued, c *smtp.Client, h host, err error) error {
	if ok, _ := c.Extension("SMTPUTF8"); m.utf8 && !ok {
		m.answerAll(answer{"the server cannot take addresses or header fields that are not ASCII", "5.6.7", h.name}) // RFC 6531, 3.5
		return nil
	}
	a := answerOf(err, h.name)
	if !a.permanent() {
		return err
	}
	m.answerAll(a)
	c.Quit()
	return nil
}

// transfer sends the text to those whom the server has accepted.
func (w *way) transfer(m *queued, c *smtp.Client, h host) answer {
	lost := answer{"the message was lost here", "5.3.0", ""}
	text, err := w.Queue.openText(m)
	if errors.Is(err, fs.ErrNotExist) {
		return lost
	}
	if err != nil {
		return answerOf(failuref("4.3.0", "%w", err), "")
	}
	defer text.Close()
	data, err := c.Data()
	if err != nil {
		return answerOf(err, h.name)
	}
	n, err := io.Copy(data, text)
	if err != nil || n != m.size {
		c.Close() // without the final dot, or the server would take what there is for all
	}
	switch {
	case err != nil:
		return answerOf(err, h.name)
	case n != m.size:
		return lost
	}
	said, err := data.CloseWithResponse()
	if err != nil {
		return answerOf(err, h.name)
	}
	return answer{oneLine("250 " + said.StatusText), "2.0.0", h.name}
}
