package suite_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// crowd makes the entries of members with several devices, and stores them in a home.
type crowd struct {
	testing.TB
	roster *policy.Roster
	store  *store.Store
	at     map[moot.EntryID]moot.Entry
	fresh  []moot.Entry // not stored yet
	space  moot.SpaceID
	clock  *feed.Clock
	owner  *feed.Author
	self   moot.Key
	admits []trust.Admission // not said yet
	keys   uint64
}

// newcomer is a device that joined.
type newcomer struct {
	key    moot.Key
	author *feed.Author
	first  moot.EntryID
}

// openCrowd reads a home in which a space was begun.
func openCrowd(t testing.TB, home string, space moot.SpaceID) *crowd {
	c := &crowd{TB: t, roster: policy.NewRoster(space, time.Now), at: map[moot.EntryID]moot.Entry{}, space: space, clock: feed.NewClock(time.Now, 0)}
	key, err := seal.LoadKey(filepath.Join(home, "key.pem"))
	c.must(err)
	c.store, err = store.Open(t.Context(), store.Config{
		Database: filepath.Join(home, "moot.db"), Blobs: filepath.Join(home, "blobs"), Gate: policy.NewRoster(space, time.Now),
	})
	c.must(err)
	c.self = seal.Public(key)
	var last *moot.Entry
	for e, err := range c.store.Query(t.Context(), moot.Query{History: true, Replica: true}) {
		c.must(err)
		c.take(e)
		if e.Author == c.self {
			last = &e
		}
	}
	c.fresh = nil
	c.owner = feed.NewAuthor(space, key, c.clock, last)
	return c
}

func (c *crowd) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *crowd) held(id moot.EntryID) (moot.Key, moot.Position, bool) {
	e, ok := c.at[id]
	return e.Author, moot.Position{Seq: e.Seq}, ok
}

func (c *crowd) take(e moot.Entry) {
	c.Helper()
	at := moot.Position{Seq: e.Seq}
	c.must(c.roster.Admit(&e, at, nil, c.held))
	c.roster.Apply(&e, at, nil, c.held)
	c.at[e.ID], c.fresh = e, append(c.fresh, e)
}

func (c *crowd) say(author *feed.Author, body any, cites ...moot.EntryID) moot.Entry {
	c.Helper()
	b, err := trust.Encode(body)
	c.must(err)
	e := author.NextAct(policy.KindOf(body), append(c.roster.Cites(body), cites...), b)
	author.Commit(e)
	c.take(e)
	return e
}

// newKey returns the next of the keys.
func (c *crowd) newKey() ed25519.PrivateKey {
	c.keys++
	return seal.FromSeed([32]byte(binary.BigEndian.AppendUint64(make([]byte, 24), c.keys)))
}

func (c *crowd) invite(author *feed.Author, in trust.Invite) (link ed25519.PrivateKey, id moot.EntryID) {
	c.Helper()
	link = c.newKey()
	in.Key = seal.Public(link)
	return link, c.say(author, in).ID
}

// join has a device join; it is admitted with the next ones.
func (c *crowd) join(link ed25519.PrivateKey, invite moot.EntryID, name string) newcomer {
	c.Helper()
	key := c.newKey()
	n := newcomer{key: seal.Public(key), author: feed.NewAuthor(c.space, key, c.clock, nil)}
	proof := ed25519.Sign(link, trust.JoinMessage(c.space, n.key))
	n.first = c.say(n.author, trust.Join{Invite: invite, Proof: proof, Name: name, Label: "laptop"}, invite).ID
	if c.admits = append(c.admits, trust.Admission{Join: n.first}); len(c.admits) == moot.MaxCites/2 {
		c.admit()
	}
	return n
}

func (c *crowd) admit() {
	c.Helper()
	if len(c.admits) > 0 {
		c.say(c.owner, trust.Witness{Admits: c.admits})
	}
	c.admits = nil
}

// grow has members join with so many devices each, and a mailbox key for these.
func (c *crowd) grow(members, devices int) {
	c.Helper()
	link, invite := c.invite(c.owner, trust.Invite{Role: policy.RoleMember, Uses: policy.AnyUses})
	all := make([][]newcomer, members)
	for n := range all {
		all[n] = append(all[n], c.join(link, invite, fmt.Sprintf("member%d", n)))
	}
	c.admit()
	for n := range all {
		first := all[n][0]
		for range devices - 1 {
			link, invite := c.invite(first.author, trust.Invite{For: moot.MemberID(first.first), Uses: 1})
			all[n] = append(all[n], c.join(link, invite, ""))
		}
	}
	c.admit()
	for _, list := range all {
		var keys []moot.Key
		for _, d := range list {
			keys = append(keys, d.key)
		}
		slices.SortFunc(keys, func(a, b moot.Key) int { return bytes.Compare(a[:], b[:]) })
		box := seal.NewMailbox()
		sealed, err := seal.SealKeys([]seal.Mailbox{box}, seal.ToDevices(keys...)...)
		c.must(err)
		c.say(list[0].author, trust.Mailbox{Generation: 1, Public: box.Public().String(), Devices: keys, Sealed: sealed})
	}
}

// close stores what was made.
func (c *crowd) close(ctx context.Context) {
	c.Helper()
	c.must(c.store.Append(ctx, moot.Merge, c.fresh...))
	c.must(c.store.Close())
}

// program runs the real program in a home.
type program struct {
	testing.TB
	path, home string
}

func (p program) command(args ...string) *exec.Cmd {
	return exec.CommandContext(p.Context(), p.path, append([]string{"--home", p.home}, args...)...)
}

func (p program) run(args ...string) string {
	p.Helper()
	c := p.command(args...)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	if err := c.Run(); err != nil {
		p.Fatalf("%s: %v\n%s", args[0], err, &problems)
	}
	return out.String()
}

// BenchmarkCrowd measures the real program in a space of 1,000 members with three devices
// each: without a running node, its start, and with one.
func BenchmarkCrowd(b *testing.B) {
	dir := b.TempDir()
	p := program{b, filepath.Join(dir, "moot"), filepath.Join(dir, "home")}
	if out, err := exec.Command("go", "build", "-o", p.path, "github.com/mootspace/moot/cmd/moot").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	id, _, _ := strings.Cut(p.run("init", "--name", "crowd"), "\n")
	space, err := moot.ParseSpaceID(id)
	if err != nil {
		b.Fatal(err)
	}
	c := openCrowd(b, p.home, space)
	c.grow(1000, 3)
	b.Logf("%d entries", len(c.at))
	c.close(b.Context())
	measured := func(b *testing.B) {
		next := 0
		for name, args := range map[string]func(n int) []string{
			"members": func(int) []string { return []string{"members"} },
			"send": func(n int) []string {
				return []string{"send", fmt.Sprint("member", n), "--subject", "hello", "--text", "hello", "--wait", "0s"}
			},
			"revoke": func(n int) []string { return []string{"revoke", fmt.Sprint("member", 500+n)} },
		} {
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					next++
					p.run(args(next)...)
				}
			})
		}
	}
	b.Run("alone", measured)
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			p.start()()
		}
	})
	stop := p.start()
	defer stop()
	b.Run("running", measured)
}

// start runs a node, and returns when it answers.
func (p program) start() (stop func()) {
	p.Helper()
	node := p.command("up")
	out, err := node.StdoutPipe()
	if err == nil {
		err = node.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n') // "ready"
	}
	if err != nil {
		p.Fatal(err)
	}
	return func() {
		_ = node.Process.Signal(syscall.SIGTERM)
		_ = node.Wait() // as it was told
	}
}
