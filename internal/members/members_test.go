package members_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// home is one member over the space's store.
type home struct {
	*members.Members
	key    ed25519.PrivateKey
	author *feed.Author
	store  *store.Store
}

func (h *home) Append(ctx context.Context, mode moot.Mode, statements ...sign.Statement) (entries []moot.Entry, err error) {
	for _, s := range statements {
		e := h.author.Next(s.Kind, s.Key, s.Replaces, s.Body)
		if err := h.store.Append(ctx, mode, e); err != nil {
			return entries, err
		}
		h.author.Commit(e)
		entries = append(entries, e)
	}
	return entries, nil
}

func newHome(s *store.Store, space moot.SpaceID, key ed25519.PrivateKey, last *moot.Entry) *home {
	h := &home{key: key, store: s, author: feed.NewAuthor(space, key, feed.NewClock(time.Now, 0), last)}
	h.Members = members.New(space, s, h)
	return h
}

// found makes a space and its owner's home.
func found(t *testing.T) *home {
	t.Helper()
	key := seal.NewKey()
	s, err := store.Open(context.Background(), store.Config{Gate: policy.NewRoster(seal.Public(key), time.Now)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h := newHome(s, seal.Public(key), key, nil)
	if err := h.Found(t.Context(), "friends", "ann"); err != nil {
		t.Fatal(err)
	}
	return h
}

// join enters with a link, written down and read again.
func join(t *testing.T, owner *home, l members.Link, as string) *home {
	t.Helper()
	read, err := members.ParseLink(" "+l.String()+"\n", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key := seal.NewKey()
	e, err := members.Enter(read, key, as, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.store.Append(t.Context(), moot.Merge, e); err != nil {
		t.Fatal(err)
	}
	return newHome(owner.store, l.Space, key, &e)
}

func TestMembershipFromBeginningToEnd(t *testing.T) {
	ann, ctx := found(t), t.Context()
	link, err := ann.Invite(ctx, members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: time.Hour,
		Servers: []moot.Peer{{ID: moot.Key{1}, Addrs: []string{"https://example.org"}}}})
	if err != nil {
		t.Fatal(err)
	}
	bob := join(t, ann, link, "bob")
	if err := bob.Rename(ctx, seal.Public(bob.key), "robert"); err != nil {
		t.Fatal(err)
	}
	if m, err := ann.SetRole(ctx, "robert", policy.RoleServer); err != nil || m.Role != policy.RoleServer {
		t.Fatalf("%v, %v", m, err)
	}
	addrs := []string{"https://192.0.2.1:7443"}
	for range 2 { // the second time nothing has changed
		if err := bob.Serve(ctx, seal.Public(bob.key), addrs, ""); err != nil {
			t.Fatal(err)
		}
	}
	servers, err := ann.Servers(ctx)
	if err != nil || len(servers) != 1 || servers[0].ID != seal.Public(bob.key) || servers[0].Addrs[0] != addrs[0] {
		t.Fatalf("servers %v, %v", servers, err)
	}
	if _, err := ann.Revoke(ctx, "robert"); err != nil {
		t.Fatal(err)
	}
	list, err := ann.List(ctx)
	if err != nil || len(list) != 2 || !list[1].Revoked || list[1].LastSeq != 3 {
		t.Fatalf("members %v, %v", list, err)
	}
	if err := bob.Rename(ctx, seal.Public(bob.key), "bob"); !errors.Is(err, moot.Revoked) {
		t.Errorf("after being revoked: %v", err)
	}
	if _, err := ann.Revoke(ctx, "nobody"); !errors.Is(err, moot.NotFound) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := ann.Invite(ctx, members.Invitation{Role: policy.RoleMember}); !errors.Is(err, moot.Invalid) {
		t.Errorf("an invitation that has expired already: %v", err)
	}
}

func TestBadLinks(t *testing.T) {
	ann := found(t)
	link, err := ann.Invite(t.Context(), members.Invitation{Role: policy.RoleMember, Expires: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	good := link.String()
	newer := link
	newer.Version = 2
	for what, c := range map[string]struct {
		text string
		kind moot.ErrorKind
	}{
		"empty":        {"", moot.Invalid},
		"a web page":   {"https://example.org", moot.Invalid},
		"cut short":    {good[:len(good)-7], moot.Invalid},
		"damaged":      {strings.Replace(good, "moot://", "moot://%%", 1), moot.Invalid},
		"far too long": {"moot://" + strings.Repeat("A", 1<<20), moot.TooLarge},
		"newer":        {newer.String(), moot.Invalid},
	} {
		if _, err := members.ParseLink(c.text, time.Now()); moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := members.ParseLink(good, time.Now().Add(2*time.Hour)); !errors.Is(err, moot.Expired) {
		t.Errorf("too late: %v", err)
	}
	if code, err := members.QR(good); err != nil || strings.Count(code, "\n") < 20 {
		t.Errorf("QR code: %v\n%s", err, code)
	}
}

// TestLinkOfVersion010 reads and writes a link as version 0.1.0 did.
func TestLinkOfVersion010(t *testing.T) {
	const text = "moot://qAABAVggAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACZ2ZyaWVuZHMDWCACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAARlYWRtaW4FGnE_swAGGE0HgaRiaWRYIAMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAZG5hbWVhc2VhZGRyc4FuaHR0cHM6Ly94LnRlc3Rmc2VydmVy9Q"
	want := members.Link{
		Version: 1, Space: moot.Key{1}, Name: "friends", Seed: [32]byte{2}, Role: policy.RoleAdmin, Expires: 1_900_000_000, Time: 77,
		Servers: []moot.Peer{{ID: moot.Key{3}, Name: "s", Addrs: []string{"https://x.test"}, Server: true}},
	}
	got, err := members.ParseLink(text, time.Unix(0, 0))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v", got, err)
	}
	if want.String() != text {
		t.Errorf("wrote %s", want)
	}
}

func FuzzParseLink(f *testing.F) {
	l := members.Link{Version: 1, Name: "x", Expires: 1 << 40, Servers: []moot.Peer{{Addrs: []string{"https://x"}}}}
	f.Add(l.String())
	f.Add("moot://oA")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := members.ParseLink(text, time.Unix(0, 0))
		if err != nil {
			return
		}
		if again, err := members.ParseLink(l.String(), time.Unix(0, 0)); err != nil || again.String() != l.String() {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
