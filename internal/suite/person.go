package suite

import (
	"io"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/keys"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

// onePerson: somebody with a laptop, a phone and, where there is a server, an account on
// it, has one name and one mailbox; a device added later shows the whole history.
func onePerson(t T, w *World) {
	founder, laptop, bob := w.Member(0), w.Member(1), w.Member(2)
	phone := w.AddDevice(laptop, "phone")
	boxes := []mail.Mailbox{laptop.Mail(), phone.Mail()}
	if w.Arch.Asks.Server {
		a, err := laptop.Session().Control.EnableAccount(t.Context(), app.EnableOptions{})
		w.must(err)
		box, err := founder.Node().Login(t.Context(), "ann", a.Password)
		w.must(err)
		boxes = append(boxes, box)
	}
	w.Alike()
	for _, m := range []*Member{founder, laptop, phone, bob} {
		hasOneName(t, m, laptop, phone)
		if who := mustLookUp(t, m, "ann"); len(who.Devices) != len(boxes) {
			t.Fatalf("%s sees %d devices of %d", m.Name, len(who.Devices), len(boxes))
		}
	}
	sealedToAll(t, w, bob, len(boxes))
	mustSend(t, bob, message("ann", "Hello", "to all devices"))
	for _, box := range boxes {
		boxHolds(t, box, false, "Hello")
	}
	it := mustHave(t, phone, mail.Inbox, "Hello")[0]
	_, err := phone.Mail().Change(t.Context(), mail.Change{Folder: it.Folder, UID: it.UID, Set: []mail.Flag{mail.Seen}})
	w.must(err)
	for _, box := range boxes {
		boxHolds(t, box, true, "Hello")
	}
	mustSend(t, laptop, message("bob", "Answer", "from ann"))
	in, err := laptop.Members().AddDevice(t.Context(), app.DeviceOptions{Expires: time.Hour})
	w.must(err)
	l, err := members.ParseLink(in.Link, time.Time{})
	w.must(err)
	mustHave(t, bob, mail.Inbox, "Answer")
	w.Alike()
	laptop.Stop()
	phone.Stop()
	mustSend(t, bob, message("ann", "Later", "while all are away"))
	tablet := w.Join(l, "ann")
	tablet.label = "tablet"
	mustHave(t, tablet, mail.SentFolder, "Answer")
	for _, it := range mustHave(t, tablet, mail.Inbox, "Hello", "Later") {
		Eventually(t, "the tablet opens "+it.Subject, func() error {
			rc, err := tablet.Mail().Open(t.Context(), it.ID)
			if err == nil {
				err = rc.Close()
			}
			return err
		})
	}
	laptop.Restart()
	phone.Restart()
	mustHave(t, phone, mail.Inbox, "Hello", "Later")
}

// boxHolds waits until a mailbox's inbox holds messages, read or not.
func boxHolds(t T, box mail.Mailbox, read bool, subject string) {
	t.Helper()
	Eventually(t, "a mailbox has "+subject, func() error {
		items, err := box.List(t.Context(), mail.Query{Folder: mail.Inbox})
		if err == nil && (len(items) != 1 || items[0].Subject != subject || slices.Contains(items[0].Flags, mail.Seen) != read) {
			err = moot.Errorf(moot.NotFound, "%+v", items)
		}
		return err
	})
}

// sealedToAll waits until a member knows a mailbox key of ann for all of her devices.
func sealedToAll(t T, w *World, by *Member, devices int) {
	t.Helper()
	Eventually(t, "there is a mailbox key for all devices", func() error {
		for _, box := range generations(t, by, w.Member(1).Key()) {
			if len(box.Devices) == devices {
				return nil
			}
		}
		return moot.Errorf(moot.NotFound, "none is for %d devices", devices)
	})
}

// generations returns the mailbox keys of which a device could open one, as a member holds
// them.
func generations(t T, m *Member, device moot.Key) (list []trust.Mailbox) {
	t.Helper()
	for _, e := range everything(t, m) {
		if e.Kind != moot.KindAct || e.Key != trust.KindMailbox {
			continue
		}
		body, err := trust.Decode(e.Key, e.Body)
		if box, ok := body.(trust.Mailbox); err == nil && ok && slices.Contains(box.Devices, device) {
			list = append(list, box)
		}
	}
	return list
}

// deviceRemoved: the server refuses a removed device at once, peers within the bound; it
// cannot open what is sealed after that, and what it says counts nowhere.
func deviceRemoved(t T, w *World) {
	founder, laptop, bob := w.Member(0), w.Member(1), w.Member(2)
	phone := w.AddDevice(laptop, "phone")
	w.Alike()
	sealedToAll(t, w, bob, 2)
	mustSend(t, bob, message("ann", "Before", "to both"))
	mustHave(t, phone, mail.Inbox, "Before")
	mustHave(t, laptop, mail.Inbox, "Before")
	w.Alike()
	last := lastOf(t, laptop, phone.Key())
	phone.close()
	_, err := laptop.Members().RemoveDevice(t.Context(), app.DeviceRemoval{Device: "phone"})
	w.must(err)
	began := time.Now()
	if w.Centralised() {
		wantKind(t, "the server, at once", probe(t, founder, phone.key), moot.Revoked)
	}
	for _, m := range []*Member{founder, laptop, bob} {
		if !m.isServer() && !m.hasPeers() {
			continue
		}
		Eventually(t, m.Name+" refuses the removed device", func() error {
			if probe(t, m, phone.key) == nil {
				return moot.Errorf(moot.Internal, "answered")
			}
			return nil
		})
	}
	t.Logf("refused by all after %v; the bound is %v", time.Since(began).Round(time.Millisecond), gossip.Bound(interval))
	w.Alike()
	e := author(phone, &last).Next(moot.KindFile, "late", nil, []byte{0xa0})
	if err := w.submit(founder, phone, e); err == nil {
		t.Fatalf("a removed device was let write")
	}
	_ = w.submit(founder, bob, e) // passed on by a member: kept, or refused
	w.Alike()
	for _, m := range []*Member{founder, laptop, bob} {
		sees(t, m)
	}
	sent := mustSend(t, bob, message("ann", "After", "not to the phone"))
	mustHave(t, laptop, mail.Inbox, "After", "Before")
	wantKind(t, "the removed device opens it", opens(t, phone, bob, sent.ID), moot.Denied, moot.Corrupt, moot.NotFound)
	w.must(opens(t, laptop, bob, sent.ID))
}

// opens opens a message that a member holds with all keys of a device.
func opens(t T, with, holder *Member, id moot.BlobID) error {
	ring, err := keys.Open(keys.Config{
		Device: with.key, Records: node.Dir(with.dir), Record: "mailbox-" + with.Key().Short() + ".json",
		Mailboxes: func() []trust.Mailbox { return generations(t, holder, with.Key()) },
	})
	if err != nil {
		return err
	}
	rc, err := holder.Store().Get(t.Context(), id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	plain, err := seal.Decrypt(decoded(rc, id), ring.Identities(t.Context())...)
	if err == nil {
		_, err = io.Copy(io.Discard, plain)
	}
	return err
}
