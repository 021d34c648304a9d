package mail

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mime"
	"github.com/mootspace/moot/internal/policy"
)

// relayOutbound relays a message to other domains if From is its author. A message that
// is refused is answered with the reason.
func (acc *Account) relayOutbound(ctx context.Context, dir Directory, a arrival, to []string, source io.Reader) (arrival, error) {
	a.skip = true
	if acc.cfg.Outbound == nil && slices.Contains(acc.servers(ctx), acc.self) {
		return a, nil // another device of the server relays it
	}
	err := acc.submitOutbound(ctx, dir, a.envelope.Author, to, source)
	switch moot.KindOf(err) {
	case moot.Invalid, moot.Denied, moot.NotFound, moot.TooLarge, moot.Corrupt:
	default:
		return a, err
	}
	acc.cfg.Log.Info("outbound message refused", "author", a.envelope.Author.Short(), "error", err)
	why := Message{
		To: []string{a.envelope.Author.String()}, Subject: "Not sent",
		Text: "Your message to " + strings.Join(to, ", ") + " was not sent: " + err.Error() + ".\n",
	}
	var text bytes.Buffer
	if _, err := why.WriteTo(&text); err != nil {
		return a, err
	}
	_, err = acc.send(ctx, Outgoing{MIME: &text})
	return a, err
}

func (acc *Account) submitOutbound(ctx context.Context, dir Directory, author moot.MemberID, to []string, source io.Reader) error {
	if acc.cfg.Outbound == nil {
		return moot.Errorf(moot.Denied, "this server sends no mail to other domains")
	}
	if m, ok := dir.Roster.Member(author); !ok || m.Revoked || m.Role == policy.RoleGuest {
		return moot.Errorf(moot.Denied, "a guest may not send mail to other domains")
	}
	own := dir.Address(author)
	out, err := complete(source, own, acc.cfg.Now())
	if err != nil {
		return err
	}
	if !dir.wrote(out.header, author) {
		return moot.Errorf(moot.Denied, "From is %.80q, which is not its author", strings.Join(out.from, ", "))
	}
	if err := out.setFrom(own); err != nil { // an address that other domains can reply to
		return err
	}
	return acc.cfg.Outbound(ctx, own.Address, to, io.MultiReader(bytes.NewReader(out.text), out.body))
}

// classify decides the folders of a message and the From that it shows.
func (acc *Account) classify(ctx context.Context, dir Directory, a *arrival) {
	a.Author, a.Arrived = a.envelope.Author, a.envelope.Time
	a.Date = when(a.Date, a.envelope.Time)
	if a.Thread == "" {
		a.Thread = a.envelope.ID.String()
	}
	fromServer := slices.Contains(acc.servers(ctx), a.envelope.Author)
	spam := a.header.spam && a.envelope.Author != acc.self && fromServer
	forged := a.envelope.Author != acc.self && dir.forged(a.header, a.envelope.Author, fromServer)
	result := "pass"
	if forged {
		result = "fail"
	}
	own := dir.Address(a.envelope.Author)
	readable := slices.ContainsFunc(a.header.authors, func(m mime.Address) bool { return m.Domain != "" })
	asIs := a.envelope.Author == acc.self && a.From != ""
	if forged || !readable && !fromServer && !asIs {
		a.From = own.String()
	}
	if a.envelope.Author != acc.self { // else there is nothing to check, and what was appended stays as it is
		a.preface = "Authentication-Results: " + StableDomain + "; x-moot=" + result + " policy.author=" + a.envelope.Author.String() + "\r\n"
		if !readable && !fromServer {
			a.preface += "From: " + own.String() + "\r\n" // programs show the first
		}
		a.Size += int64(len(a.preface))
	}
	broadcast := len(a.envelope.To) == 0 && !a.envelope.Private
	if broadcast {
		a.Channel = channelOf(dir, slices.Concat(a.header.to, a.header.cc))
	}
	a.locations = defaultLocations(acc.self, broadcast, forged, spam, a)
}

func (acc *Account) servers(ctx context.Context) []moot.MemberID {
	if acc.cfg.Servers == nil {
		return nil
	}
	return acc.cfg.Servers(ctx)
}

// defaultLocations returns the folders of a message that the member has not filed.
func defaultLocations(self moot.MemberID, broadcast, forged, spam bool, a *arrival) []location {
	own := a.envelope.Author == self
	switch {
	case a.envelope.Private:
		return []location{{DraftsFolder, []Flag{Seen}}}
	case broadcast && own:
		return []location{{channelFolder(a.Channel), []Flag{Seen}}}
	case broadcast:
		return []location{{channelFolder(a.Channel), nil}}
	case forged:
		return []location{{JunkFolder, []Flag{Phishing}}}
	case spam:
		return []location{{JunkFolder, nil}}
	case own && slices.Contains(a.envelope.To, self):
		return []location{{SentFolder, []Flag{Seen}}, {Inbox, nil}}
	case own:
		return []location{{SentFolder, []Flag{Seen}}}
	}
	return []location{{Inbox, nil}}
}

func channelFolder(channel string) string {
	return ChannelFolder + "/" + strings.TrimPrefix(channel, "#")
}

// generalChannel gets broadcasts that name no channel.
const generalChannel = "#general"

func channelOf(dir Directory, to []string) string {
	for _, address := range to {
		if found, err := dir.Resolve(address); err == nil && len(found) == 1 && found[0].Channel != "" {
			return strings.ToLower(found[0].Channel)
		}
	}
	return generalChannel
}

// splitRelay removes the relay field from a message, and returns its addresses.
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
	list := mime.ParseAddresses(line)
	incomplete := func(a mime.Address) bool { return a.Local == "" || a.Domain == "" }
	if len(list) == 0 || len(list) > MaxRecipients || slices.ContainsFunc(list, incomplete) {
		return nil, nil, moot.Errorf(moot.Corrupt, "an outbound message names no recipient")
	}
	return bare(list), rest, nil
}

// readLine reads a line, and returns it without its end.
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
	return "", nil, moot.Errorf(moot.Corrupt, "a header line is too long")
}
