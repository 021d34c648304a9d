package accounts_test

import (
	"crypto/ed25519"
	"os"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/store"
)

// passwordOf010 opens an account whose hash version 0.1.0 wrote.
const (
	passwordOf010 = "abcde-abcde-abcde-abcde"
	hashOf010     = `[{"salt":"AAECAwQFBgcICQoLDA0ODw==","hash":"muTbbjNUbbBDKMkuW7abQ36TLIQeETQMBvtcFlsAWGM=","made":"2026-10-01T00:00:00Z"}]`
)

// clubOf010 is a space that version 0.1.0 began, with the account of a member.
func clubOf010(t *testing.T) (c *club, eve ed25519.PrivateKey) {
	t.Helper()
	ann, eve, invite := seal.NewKey(), seal.NewKey(), seal.NewKey()
	c = &club{}
	space, clock := moot.SpaceID(seal.Public(ann)), feed.NewClock(time.Now, 0)
	c.roster = policy.NewRoster(space, time.Now)
	var err error
	c.store, err = store.Open(t.Context(), store.Config{Gate: gate{c.roster, clock}})
	must(t, err)
	t.Cleanup(func() { c.store.Close() })
	say := func(author *feed.Author, kind moot.Kind, key string, body any) {
		b, err := policy.EncodeBody(body)
		must(t, err)
		e := author.Next(kind, key, nil, b)
		must(t, c.store.Append(t.Context(), moot.Merge, e))
		author.Commit(e)
	}
	founder, member := feed.NewAuthor(space, ann, clock, nil), feed.NewAuthor(space, eve, clock, nil)
	say(founder, moot.KindSpace, policy.SpaceKey, policy.SpaceBody{Name: "club"})
	say(founder, moot.KindMember, policy.MemberKey(seal.Public(ann)), policy.MemberBody{Name: "ann", Role: policy.RoleOwner})
	say(founder, moot.KindInvite, policy.InviteKey(seal.Public(invite)), policy.InviteBody{Key: seal.Public(invite), Role: policy.RoleMember, Uses: 1, Expires: time.Now().Add(time.Hour).Unix()})
	say(member, moot.KindMember, policy.MemberKey(seal.Public(eve)), policy.MemberBody{
		Name: "eve", Role: policy.RoleMember, Invite: seal.Public(invite), Proof: policy.JoinProof(invite, space, seal.Public(eve)),
	})
	state := &memory{files: map[string][]byte{"passwords.json": []byte(`{"` + seal.Public(eve).String() + `":` + hashOf010 + `}`)}}
	c.disk = disk{state, t.TempDir()}
	must(t, os.Mkdir(c.disk.Path("accounts"), 0o700))
	must(t, seal.SaveKey(c.disk.Path("accounts/"+seal.Public(eve).String()+".pem"), eve))
	c.cfg = accounts.Config{Space: space, Data: c.disk, Feeds: c.store, Roster: c.roster, Clock: clock, Now: time.Now}
	c.cfg.Own = c.signer(t, ann)
	return c, eve
}

// TestAccountsOfVersion010 log in as before, also once their space is adopted.
func TestAccountsOfVersion010(t *testing.T) {
	c, eve := clubOf010(t)
	a := c.open(t)
	for _, what := range []string{"as it was", "adopted"} {
		one := login(t, a, "eve", passwordOf010)
		if one.Device() != seal.Public(eve) || one.Member != moot.MemberID(one.Device()) || !a.Hosts(one.Member) {
			t.Errorf("%s: eve logs in as %+v", what, one)
		}
		if list := a.List(); len(list) != 2 || list[0].Name != "ann" || list[1].Passwords != 1 {
			t.Errorf("%s: %+v", what, list)
		}
		if what == "as it was" {
			must(t, c.members(c.cfg.Own).Adopt(t.Context()))
		}
	}
	must(t, c.note(t, login(t, a, "eve", passwordOf010), "later"))
	if _, err := c.open(t).Add(t.Context(), "bob", ""); err != nil {
		t.Error(err)
	}
}
