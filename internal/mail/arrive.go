package mail

import (
	"bytes"
	"context"
	"io"
	"net/mail"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// relay passes a message on that is for people elsewhere, if it is from whom it says it
// is. A message that cannot be passed on is answered with one that says why.
func (b *Box) relay(ctx context.Context, dir Directory, a arrival, to []string, mime io.Reader) (arrival, error) {
	a.none = true
	err := b.pass(ctx, dir, a.letter.Author, to, mime)
	switch moot.KindOf(err) {
	case moot.Invalid, moot.Denied, moot.NotFound, moot.TooLarge, moot.Corrupt:
	default:
		return a, err
	}
	b.cfg.Log.Info("a message was not passed on", "author", a.letter.Author.Short(), "error", err)
	why := Message{
		To: []string{a.letter.Author.String()}, Subject: "Not sent",
		Text: "Your message to " + strings.Join(to, ", ") + " was not sent: " + err.Error() + ".\n",
	}
	var text bytes.Buffer
	if _, err := why.WriteTo(&text); err != nil {
		return a, err
	}
	_, err = b.send(ctx, Outgoing{MIME: &text})
	return a, err
}

func (b *Box) pass(ctx context.Context, dir Directory, author moot.Key, to []string, mime io.Reader) error {
	if b.cfg.Relay == nil {
		return moot.Errorf(moot.Denied, "this server sends no mail elsewhere")
	}
	if m, ok := dir.Roster.Member(author); !ok || m.Revoked || m.Role == policy.RoleGuest {
		return moot.Errorf(moot.Denied, "a guest may not send mail elsewhere")
	}
	own := dir.Address(author)
	out, err := complete(mime, own, b.cfg.Now())
	if err != nil {
		return err
	}
	if t, err := dir.Resolve(out.from); err != nil || t.Member != author {
		return moot.Errorf(moot.Denied, "From is %.80q, which is not its author", out.from)
	}
	if err := out.setFrom(own); err != nil { // an address that people elsewhere can answer
		return err
	}
	return b.cfg.Relay(ctx, own.Address, to, io.MultiReader(bytes.NewReader(out.text), out.body))
}

// settle decides where an arrival goes and whom it is shown to be from.
func (b *Box) settle(ctx context.Context, dir Directory, a *arrival) {
	a.Author, a.Arrived = a.letter.Author, a.letter.Time
	a.Date = when(a.Date, a.letter.Time)
	if a.Thread == "" {
		a.Thread = a.letter.ID.String()
	}
	forged := b.forged(ctx, dir, a)
	spam := a.header.spam && a.letter.Author != b.self && slices.Contains(b.servers(ctx), a.letter.Author)
	verdict := "pass"
	if forged {
		verdict = "fail"
		own := dir.Address(a.letter.Author)
		a.From = own.String()
	}
	a.preface = "Authentication-Results: " + StableDomain + "; x-moot=" + verdict + " policy.author=" + a.letter.Author.String() + "\r\n"
	a.Size += int64(len(a.preface))
	wide := len(a.letter.To) == 0 && !a.letter.Kept
	if wide {
		a.Channel = channelOf(dir, slices.Concat(a.header.to, a.header.cc))
	}
	a.places = defaultPlaces(b.self, wide, forged, spam, a)
}

// forged reports whether From names somebody who did not write the message. The space's
// server speaks for people elsewhere, and for nobody else.
func (b *Box) forged(ctx context.Context, dir Directory, a *arrival) bool {
	t, err := dir.Resolve(a.header.from)
	if err == nil && t.Member == a.letter.Author && !t.Member.IsZero() {
		return false
	}
	if a.letter.Author == b.self {
		return false
	}
	fromServer := slices.Contains(b.servers(ctx), a.letter.Author)
	return !fromServer || !(err == nil && t.Outside != "" || isDaemon(a.header.from))
}

// isDaemon reports whether an address is that of a mail server itself (RFC 2142, RFC 3464).
func isDaemon(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	return local == "mailer-daemon" || local == "postmaster"
}

func (b *Box) servers(ctx context.Context) []moot.Key {
	if b.cfg.Servers == nil {
		return nil
	}
	return b.cfg.Servers(ctx)
}

// defaultPlaces is where a message goes about which the member has said nothing.
func defaultPlaces(self moot.Key, wide, forged, spam bool, a *arrival) []place {
	own := a.letter.Author == self
	switch {
	case a.letter.Kept:
		return []place{{DraftsFolder, []Flag{Seen}}}
	case wide && own:
		return []place{{channelFolder(a.Channel), []Flag{Seen}}}
	case wide:
		return []place{{channelFolder(a.Channel), nil}}
	case forged:
		return []place{{JunkFolder, []Flag{Phishing}}}
	case spam:
		return []place{{JunkFolder, nil}}
	case own && slices.Contains(a.letter.To, self):
		return []place{{SentFolder, []Flag{Seen}}, {Inbox, nil}}
	case own:
		return []place{{SentFolder, []Flag{Seen}}}
	}
	return []place{{Inbox, nil}}
}

func channelFolder(channel string) string {
	return ChannelFolder + "/" + strings.TrimPrefix(channel, "#")
}

// generalChannel is where messages to everybody go that name no channel.
const generalChannel = "#general"

func channelOf(dir Directory, to []string) string {
	for _, address := range to {
		if t, err := dir.Resolve(address); err == nil && t.Channel != "" {
			return strings.ToLower(t.Channel)
		}
	}
	return generalChannel
}

// splitRelay takes the field off a message that says whom elsewhere it is for.
func splitRelay(r io.Reader) (to []string, rest io.Reader, err error) {
	const field = relayField + ": "
	head := make([]byte, len(field))
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, nil, err
	}
	rest = io.MultiReader(strings.NewReader(string(head[:n])), r)
	if string(head[:n]) != field {
		return nil, rest, nil
	}
	line, rest, err := readLine(r)
	if err != nil {
		return nil, nil, err
	}
	list, err := mail.ParseAddressList(line)
	if err != nil || len(list) > MaxRecipients {
		return nil, nil, moot.Errorf(moot.Corrupt, "a message for elsewhere that names nobody")
	}
	return bare(list), rest, nil
}

// readLine reads up to the end of a line, and returns it without that.
func readLine(r io.Reader) (string, io.Reader, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < MaxHeader {
		if _, err := io.ReadFull(r, one); err != nil {
			return "", nil, err
		}
		if one[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), r, nil
		}
		line = append(line, one[0])
	}
	return "", nil, moot.Errorf(moot.Corrupt, "a line without an end")
}
