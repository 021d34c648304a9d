package mail

import (
	"context"
	"io"
	"net/mail"
	"slices"
	"strings"

	"github.com/mootspace/moot"
)

// relay passes a message on that is for people elsewhere.
func (b *Box) relay(ctx context.Context, a arrival, to []string, mime io.Reader) (arrival, error) {
	a.none = true
	if b.cfg.Relay == nil {
		b.cfg.Log.Warn("a message for elsewhere, which this node does not pass on", "author", a.letter.Author.Short())
		return a, nil
	}
	return a, b.cfg.Relay(ctx, a.letter.Author, to, mime)
}

// settle decides where an arrival goes and whom it is shown to be from.
func (b *Box) settle(ctx context.Context, dir Directory, a *arrival) {
	a.Author, a.Arrived = a.letter.Author, a.letter.Time
	a.Date = when(a.Date, a.letter.Time)
	if a.Thread == "" {
		a.Thread = a.letter.ID.String()
	}
	forged := b.forged(ctx, dir, a)
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
	a.places = defaultPlaces(a.letter.Author == b.self, wide, forged, a)
}

// forged reports whether From names somebody who did not write the message. The space's
// server speaks for people elsewhere, and for nobody else.
func (b *Box) forged(ctx context.Context, dir Directory, a *arrival) bool {
	t, err := dir.Resolve(a.header.from)
	if err == nil && t.Member == a.letter.Author && !t.Member.IsZero() {
		return false
	}
	return a.letter.Author != b.self && !(err == nil && t.Outside != "" && slices.Contains(b.servers(ctx), a.letter.Author))
}

func (b *Box) servers(ctx context.Context) []moot.Key {
	if b.cfg.Servers == nil {
		return nil
	}
	return b.cfg.Servers(ctx)
}

// defaultPlaces is where a message goes about which the member has said nothing.
func defaultPlaces(own, wide, forged bool, a *arrival) []place {
	switch {
	case a.letter.Kept:
		return []place{{DraftsFolder, []Flag{Seen}}}
	case wide && own:
		return []place{{channelFolder(a.Channel), []Flag{Seen}}}
	case wide:
		return []place{{channelFolder(a.Channel), nil}}
	case forged:
		return []place{{JunkFolder, []Flag{Phishing}}}
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
