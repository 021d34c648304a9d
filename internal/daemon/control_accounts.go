package daemon

import (
	"context"
	"net/http"

	"github.com/mootspace/moot/internal/front/cli"
)

// accountRequest names an account.
type accountRequest struct {
	Name string `json:"name"`
	Link string `json:"link,omitempty"`
}

// serveAccounts answers the owner's commands about accounts.
func (n *node) serveAccounts(mux *http.ServeMux) {
	mux.HandleFunc("GET /accounts", func(w http.ResponseWriter, _ *http.Request) { reply(w, n.accounts.list(), nil) })
	mux.HandleFunc("GET /mail-records", func(w http.ResponseWriter, _ *http.Request) {
		list, err := n.records()
		reply(w, list, err)
	})
	handle := func(pattern string, do func(*http.Request, accountRequest) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var in accountRequest
			if readRequest(w, r, &in) {
				out, err := do(r, in)
				reply(w, out, err)
			}
		})
	}
	handle("POST /accounts", func(r *http.Request, in accountRequest) (any, error) {
		return n.accounts.add(r.Context(), in.Name, in.Link)
	})
	handle("POST /passwords", func(_ *http.Request, in accountRequest) (any, error) { return n.accounts.addPassword(in.Name) })
	handle("DELETE /passwords", func(_ *http.Request, in accountRequest) (any, error) {
		return struct{}{}, n.accounts.dropPasswords(in.Name)
	})
}

func (r *remote) Accounts(ctx context.Context) (list []cli.Account, err error) {
	err = r.get(ctx, "/accounts", &list)
	return list, err
}

func (r *remote) MailRecords(ctx context.Context) (list []string, err error) {
	err = r.get(ctx, "/mail-records", &list)
	return list, err
}

func (r *remote) AddAccount(ctx context.Context, name, link string) (a cli.Account, err error) {
	err = r.call(ctx, http.MethodPost, "/accounts", accountRequest{name, link}, &a)
	return a, err
}

func (r *remote) AddPassword(ctx context.Context, name string) (p string, err error) {
	err = r.call(ctx, http.MethodPost, "/passwords", accountRequest{Name: name}, &p)
	return p, err
}

func (r *remote) DropPasswords(ctx context.Context, name string) error {
	return r.call(ctx, http.MethodDelete, "/passwords", accountRequest{Name: name}, &struct{}{})
}
