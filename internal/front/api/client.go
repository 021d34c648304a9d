package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
)

// client asks a Handler. It is the Files, Folders, Members, Mail, Jobs and Control of a session.
type client struct {
	http *http.Client
	base string // URL without /api
	via  moot.Architecture
	idle time.Duration // idle timeout of streams

	account string // whose mail is asked for; empty: the node's own member
}

// Dial returns a session at the node whose Handler h reaches below the URL base.
func Dial(ctx context.Context, h *http.Client, base string, via moot.Architecture) (*app.Session, error) {
	c := &client{http: h, base: strings.TrimSuffix(base, "/"), via: via, idle: idleTimeout}
	s, err := sessionOp.call(ctx, c, none{})
	if err != nil {
		return nil, err
	}
	if !via.IsZero() { // else the node decides, call by call: of jobs otherwise than of files
		c.via = s.Via
	}
	return &app.Session{
		Identity: s.Identity, Via: s.Via,
		Files: filesClient{c}, Folders: foldersClient{c}, Members: membersClient{c}, Copies: copiesClient{c}, Aliases: aliasesClient{c}, Control: controlClient{c}, Jobs: jobsClient{c},
		Mail: func(context.Context) (mail.Mailbox, error) { return mailClient{c}, nil },
		AccountMail: func(_ context.Context, name string) (mail.Mailbox, error) {
			of := *c
			of.account = name
			return mailClient{&of}, nil
		},
		Close: func() error { h.CloseIdleConnections(); return nil },
	}, nil
}
