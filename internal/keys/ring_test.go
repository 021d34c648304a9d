package keys_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/keys"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

// records are in memory.
type records map[string][]byte

func (r records) Load(name string, v any) error {
	b, ok := r[name]
	if !ok {
		return moot.Errorf(moot.NotFound, "no %s", name)
	}
	return json.Unmarshal(b, v)
}

func (r records) Save(name string, v any) (err error) {
	r[name], err = json.Marshal(v)
	return err
}

// member has the generations that its devices have started.
type member struct{ standing []trust.Mailbox }

func (m *member) ring(t *testing.T, device ed25519.PrivateKey, saved records) *keys.Ring {
	t.Helper()
	r, err := keys.Open(keys.Config{Device: device, Records: saved, Mailboxes: func() []trust.Mailbox { return m.standing }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// start starts a generation.
func (m *member) start(t *testing.T, r *keys.Ring, devices ...ed25519.PrivateKey) {
	t.Helper()
	var to []moot.Key
	for _, d := range devices {
		to = append(to, seal.Public(d))
	}
	next, err := r.Next(to...)
	if err != nil {
		t.Fatal(err)
	}
	m.standing = append(m.standing, next)
}

// message seals a text to the newest generation.
func (m *member) message(t *testing.T) []byte {
	t.Helper()
	key, err := seal.ParseMailboxKey(m.standing[len(m.standing)-1].Public)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := seal.Encrypt(&b, seal.ToMailbox(key))
	if err == nil {
		_, err = io.WriteString(w, "hello")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// opens fails unless a ring opens exactly the messages that it should.
func opens(t *testing.T, who string, r *keys.Ring, messages [][]byte, want ...bool) {
	t.Helper()
	if err := r.Refresh(); err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		if _, err := seal.Decrypt(bytes.NewReader(m), r.Identities(t.Context())...); (err == nil) != want[i] {
			t.Errorf("%s opens message %d: %v; want %v", who, i, err, want[i])
		}
	}
}

func TestGenerations(t *testing.T) {
	laptop, phone, tablet, link := seal.NewKey(), seal.NewKey(), seal.NewKey(), seal.NewKey()
	var m member
	home := records{}
	a, b := m.ring(t, laptop, home), m.ring(t, phone, records{})
	if !keys.Due(trust.Mailbox{}, false, []moot.Key{seal.Public(laptop)}) {
		t.Error("no first generation is due")
	}
	m.start(t, a, laptop)
	messages := [][]byte{m.message(t)}
	opens(t, "the laptop", a, messages, true)
	opens(t, "the phone", b, messages, false)
	if !keys.Due(m.standing[0], true, []moot.Key{seal.Public(laptop), seal.Public(phone)}) {
		t.Error("no generation is due for the phone")
	}
	m.start(t, a, laptop, phone)
	messages = append(messages, m.message(t))
	opens(t, "the phone, sealed to later", b, messages, true, true)
	if m.standing[1].Generation != 2 || keys.Due(m.standing[1], true, []moot.Key{seal.Public(laptop), seal.Public(phone)}) {
		t.Errorf("generation %d, and another one is due", m.standing[1].Generation)
	}
	m.start(t, b, phone) // the laptop was removed
	messages = append(messages, m.message(t))
	opens(t, "the removed laptop", a, messages, true, true, false)
	opens(t, "the phone", b, messages, true, true, true)

	sealed, err := b.SealTo(seal.Public(link))
	if err != nil {
		t.Fatal(err)
	}
	saved := records{}
	c := m.ring(t, tablet, saved)
	if err := c.Accept(sealed, laptop); moot.KindOf(err) != moot.Denied {
		t.Errorf("with another key than the link's: %v", err)
	}
	if err := c.Accept(sealed, link); err != nil {
		t.Fatal(err)
	}
	opens(t, "the tablet, by the link", c, messages, true, true, true)
	m.standing = m.standing[2:] // the first two became void
	opens(t, "the tablet, later", m.ring(t, tablet, saved), messages, true, true, true)
	opens(t, "the laptop, later", m.ring(t, laptop, home), messages, true, true, false)
}

func TestDamagedHalvesAreLeftOut(t *testing.T) {
	device := seal.NewKey()
	m := member{[]trust.Mailbox{{Generation: 1, Public: "age1x", Devices: []moot.Key{seal.Public(device)}, Sealed: []byte("x")}}}
	r := m.ring(t, device, records{})
	if got := r.Identities(t.Context()); len(got) != 1 {
		t.Errorf("%d identities; want the device's key", len(got))
	}
	m.start(t, r, device)
	opens(t, "the device", r, [][]byte{m.message(t)}, true)
	if m.standing[1].Generation != 2 {
		t.Errorf("generation %d", m.standing[1].Generation)
	}
	if _, err := r.Next(); moot.KindOf(err) != moot.Invalid {
		t.Errorf("sealed to nothing: %v", err)
	}
}

// TestActFits makes the act with the most that it may hand over.
func TestActFits(t *testing.T) {
	device := seal.NewKey()
	var m member
	var all []seal.Mailbox
	for range 700 {
		all = append(all, seal.NewMailbox())
	}
	sealed, err := seal.SealKeys(all, seal.ToDevice(seal.Public(device)))
	if err != nil {
		t.Fatal(err)
	}
	r := m.ring(t, device, records{})
	if err := r.Accept(sealed, device); err != nil {
		t.Fatal(err)
	}
	var devices []moot.Key
	for range 32 {
		devices = append(devices, seal.Public(seal.NewKey()))
	}
	next, err := r.Next(devices...)
	if err != nil {
		t.Fatal(err)
	}
	body, err := trust.Encode(next)
	if err != nil || len(body) > moot.MaxBody {
		t.Errorf("%d bytes, %v; an entry takes %d", len(body), err, moot.MaxBody)
	}
	if _, err := trust.Decode(trust.KindMailbox, body); err != nil {
		t.Error(err)
	}
}

// FuzzRefresh gives a ring what a device of its member, stolen perhaps, may seal.
func FuzzRefresh(f *testing.F) {
	device := seal.NewKey()
	sealed, err := seal.SealKeys([]seal.Mailbox{seal.NewMailbox()}, seal.ToDevice(seal.Public(device)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(1), "age1", sealed)
	f.Fuzz(func(t *testing.T, generation uint64, public string, sealed []byte) {
		m := member{[]trust.Mailbox{{Generation: generation, Public: public, Devices: []moot.Key{seal.Public(device)}, Sealed: sealed}}}
		r := m.ring(t, device, records{})
		if list := r.Identities(t.Context()); len(list) == 0 || len(list) > seal.MaxGenerations+1 {
			t.Errorf("%d identities", len(list))
		}
		if _, err := r.Next(seal.Public(device)); err != nil {
			t.Error(err)
		}
	})
}
