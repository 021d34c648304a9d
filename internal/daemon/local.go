package daemon

import (
	"context"
	"io"
	"net/http"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

// local is the control of a node in this process.
type local struct {
	*node
	current cli.Via
	stop    func() error
}

// session makes a member's session on a node in this process.
func (n *node) session(ctx context.Context, via cli.Via, stop func() error) (*cli.Session, error) {
	if via == cli.ViaDefault {
		via = n.prefers(ctx)
	}
	through, err := n.via(ctx, via)
	if err != nil {
		return nil, err
	}
	w := n.signer.Through(through)
	return &cli.Session{
		Identity: n.identity(), Via: via,
		Files:   files.New(through, w, files.Options{Linker: linker{n, via}, Fetcher: linker{n, via}, Log: n.log}),
		Members: members.New(n.settings.Space, through, w),
		Mail:    func(ctx context.Context) (mail.Mailbox, error) { return n.mail.ready(ctx, via) },
		Jobs:    n.work.desk(via),
		Control: local{n, via, stop},
	}, nil
}

func (n *node) identity() cli.Identity {
	as := n.settings.As
	if m, ok := n.roster.Member(n.self()); ok {
		as = m.Name
	}
	return cli.Identity{Space: n.settings.Space, Name: n.settings.Name, Self: n.self(), As: as, Home: n.dir}
}

func (l local) Close() error { return l.stop() }

func (l local) Status(ctx context.Context) (cli.Status, error) {
	st := cli.Status{Identity: l.identity(), Via: l.current, Running: l.running, Peers: len(l.neighbours()), Addrs: l.addrs(), Sent: l.out.passed.Load(), Received: l.in.passed.Load()}
	st.Role, _ = l.roster.Role(l.self())
	vector, err := l.store.Vector(ctx)
	if err != nil {
		return st, err
	}
	for _, seq := range vector {
		st.Entries += seq
	}
	st.Authors = len(vector)
	for b, err := range l.store.Blobs(ctx) {
		if err != nil {
			return st, err
		}
		st.Blobs++
		st.Bytes += b.Size
	}
	forks, err := l.store.Forks(ctx)
	if err != nil {
		return st, err
	}
	st.Forks = len(forks)
	conflicts, err := files.New(l.store, nil, files.Options{}).Conflicts(ctx)
	if err != nil {
		return st, err
	}
	names := map[string]bool{}
	for _, f := range conflicts {
		names[f.Name] = true
	}
	st.Conflict = len(names)
	for _, server := range l.servers(ctx) {
		st.Servers = append(st.Servers, l.reach(ctx, server))
	}
	return st, nil
}

// reach asks a server for the least it can tell.
func (n *node) reach(ctx context.Context, server moot.Peer) cli.Reach {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	remote, err := n.dial.Dial(server)
	if err == nil {
		_, err = remote.Vector(ctx)
	}
	if err != nil {
		return cli.Reach{Peer: server, Why: err.Error()}
	}
	return cli.Reach{Peer: server, Reachable: true}
}

func (n *node) addrs() []string {
	addrs := append([]string(nil), n.webAddrs...)
	if n.host != nil {
		addrs = append(addrs, n.host.Addrs()...)
	}
	return addrs
}

func (l local) Peers(context.Context) ([]cli.PeerStatus, error) {
	connected := map[moot.Key]moot.Peer{}
	for _, p := range l.neighbours() {
		connected[p.ID] = p
	}
	var list []cli.PeerStatus
	for _, m := range l.roster.Members() {
		if m.Revoked || m.Key == l.self() {
			continue
		}
		p, ok := connected[m.Key]
		p.ID, p.Name = m.Key, m.Name
		list = append(list, cli.PeerStatus{Peer: p, Role: m.Role, Connected: ok})
	}
	return list, nil
}

func (l local) Preferences(context.Context) (policy.Preferences, error) { return *l.wished.Load(), nil }

func (l local) SetPreferences(ctx context.Context, w policy.Preferences) error {
	if err := writeJSON(l.path("wishes.json"), w); err != nil {
		return err
	}
	l.wish(w)
	return l.work.lend(ctx)
}

func (l local) Accounts(context.Context) ([]cli.Account, error) { return l.accounts.list(), nil }

func (l local) AddAccount(ctx context.Context, name, link string) (cli.Account, error) {
	return l.accounts.add(ctx, name, link)
}

func (l local) AddPassword(_ context.Context, name string) (string, error) {
	return l.accounts.addPassword(name)
}

func (l local) DropPasswords(_ context.Context, name string) error {
	return l.accounts.dropPasswords(name)
}

func (l local) MailRecords(context.Context) ([]string, error) { return l.records() }

func (l local) Backup(ctx context.Context, w io.Writer) error { return l.backup(ctx, w) }

// maxLinkPeers keeps an invitation short enough for a QR code.
const maxLinkPeers = 3

// Addresses names the servers, this node if it runs, and some neighbours.
func (l local) Addresses(ctx context.Context) (servers, peers []moot.Peer, err error) {
	servers = l.servers(ctx)
	if l.serves && l.running {
		servers = append([]moot.Peer{{ID: l.self(), Addrs: l.webAddrs, Server: true}}, servers...)
	}
	if l.running && l.host != nil {
		peers = append(peers, moot.Peer{ID: l.self(), Addrs: l.host.Addrs()})
	}
	peers = append(peers, l.neighbours()...)
	if !l.running {
		peers = append(peers, l.peers()...)
	}
	return servers, trimAddrs(peers[:min(len(peers), maxLinkPeers)]), nil
}

// trimAddrs keeps a few addresses of each peer.
func trimAddrs(peers []moot.Peer) []moot.Peer {
	const most = 4
	for i := range peers {
		peers[i].Addrs = peers[i].Addrs[:min(len(peers[i].Addrs), most)]
	}
	return peers
}

// linker shares and fetches files in place through one architecture.
type linker struct {
	n   *node
	via cli.Via
}

// Link implements files.Linker. A server that others ask must have bytes of its own.
func (l linker) Link(ctx context.Context, path string) (moot.Blob, error) {
	if l.via == cli.ViaServer && !l.n.serves {
		return moot.Blob{}, moot.Errorf(moot.Invalid, "a server keeps its own copies: --in-place is for sharing between peers")
	}
	b, err := l.n.store.Link(ctx, path)
	if err != nil {
		return b, err
	}
	if l.n.mesh != nil {
		l.n.mesh.Announce(ctx, b.ID) // best effort: neighbours are asked anyway
	}
	if l.via == cli.ViaBoth {
		l.n.uploads.add(b.ID)
	}
	return b, nil
}

type linkRequest struct {
	Path string  `json:"path"`
	Via  cli.Via `json:"via"`
}

func (n *node) serveLink(w http.ResponseWriter, r *http.Request) {
	var in linkRequest
	if !readRequest(w, r, &in) {
		return
	}
	if !filepath.IsAbs(in.Path) {
		reply(w, nil, moot.Errorf(moot.Invalid, "%q is not an absolute path", in.Path))
		return
	}
	blob, err := linker{n, in.Via}.Link(r.Context(), in.Path)
	reply(w, blob, err)
}
