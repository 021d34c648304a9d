package gossip

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

const (
	gather     = 10 * time.Millisecond // what is stored within this time is sent together
	maxMessage = 256 << 10             // bytes
	maxPushed  = 1024                  // entries in a message
	stale      = time.Minute           // what is older is no news, and left to the repair
	appendTime = 30 * time.Second
)

// push joins the space's topic (gossipsub v1.1: Vyzovitis et al., 2020): messages
// are CBOR sequences of entries, passed on by whoever could store them.
func (g *gossip) push(ctx context.Context) error {
	ps, err := pubsub.NewGossipSub(ctx, g.Host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), // entries are signed
		pubsub.WithMessageIdFn(func(m *pb.Message) string { id := blake3.Sum256(m.GetData()); return string(id[:]) }),
		pubsub.WithPeerFilter(func(id peer.ID, _ string) bool {
			key, err := g.Key(id)
			return err == nil && g.Member(key)
		}),
		pubsub.WithFloodPublish(true),
		pubsub.WithGossipSubParams(params()),
	)
	if err != nil {
		return moot.Errorf(moot.Internal, "gossip: %w", err)
	}
	topicName := "moot/" + g.Space.String()
	if err := ps.RegisterTopicValidator(topicName, g.hear, pubsub.WithValidatorTimeout(appendTime)); err != nil {
		return moot.Errorf(moot.Internal, "gossip: %w", err)
	}
	topic, err := ps.Join(topicName)
	if err != nil {
		return moot.Errorf(moot.Internal, "gossip: %w", err)
	}
	sub, err := topic.Subscribe()
	if err != nil {
		return moot.Errorf(moot.Internal, "gossip: %w", err)
	}
	g.crews.Go(func() { // the validator has done the work: messages are only to be taken away
		defer sub.Cancel()
		for {
			if _, err := sub.Next(ctx); err != nil {
				return
			}
		}
	})
	g.crews.Go(func() { g.tell(ctx, topic) })
	return nil
}

// params make a thinner mesh than gossipsub's own (D = 6): whoever says something sends it
// to all its neighbours at once, and what is missed is repaired within seconds, so that
// the mesh need only reach those who are not neighbours.
func params() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D, p.Dlo, p.Dhi, p.Dscore, p.Dout, p.Dlazy = 3, 2, 5, 2, 0, 3
	return p
}

// hear judges a message by storing what is in it.
func (g *gossip) hear(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == g.Host.ID() {
		return pubsub.ValidationAccept
	}
	entries, err := readAll(m.GetData())
	if err != nil {
		g.Log.Warn("gossip: a peer sends what is no entry", "peer", from, "error", err)
		return pubsub.ValidationReject
	}
	for _, e := range entries {
		g.seen.add(e.ID)
	}
	err = g.Local.Append(ctx, moot.Merge, entries...)
	switch kind := moot.KindOf(err); {
	case err == nil:
		return pubsub.ValidationAccept
	case kind == moot.Corrupt:
		g.Log.Warn("gossip: a peer sends an entry that was not signed", "peer", from, "error", err)
		return pubsub.ValidationReject
	case kind == moot.Gap || kind == moot.Stranger:
		g.met(from) // something before it was missed
	}
	return pubsub.ValidationIgnore
}

func readAll(data []byte) (entries []moot.Entry, err error) {
	r := feed.NewReader(bytes.NewReader(data))
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		if entries = append(entries, e); len(entries) > maxPushed {
			return nil, moot.Errorf(moot.TooLarge, "more than %d entries in a message", maxPushed)
		}
	}
}

// tell publishes what is stored from now on, unless it came from peers.
func (g *gossip) tell(ctx context.Context, topic *pubsub.Topic) {
	for ctx.Err() == nil {
		since, err := g.Local.Vector(ctx)
		if err != nil {
			return
		}
		news := make(chan moot.Entry, maxPushed)
		watching, stop := context.WithCancel(ctx)
		g.crews.Go(func() { g.publish(watching, topic, news) })
		for e, err := range g.Local.Watch(watching, since) {
			if err != nil {
				break // fell behind: the repair tells the rest
			}
			if g.seen.has(e.ID) || time.Since(e.Time.Wall()) > stale {
				continue
			}
			select {
			case news <- e:
			default: // more than can be sent: left to the repair
			}
		}
		stop()
	}
}

// publish sends what comes at about the same time as one message.
func (g *gossip) publish(ctx context.Context, topic *pubsub.Topic, news <-chan moot.Entry) {
	for {
		var msg []byte
		select {
		case e := <-news:
			msg = feed.Encode(e)
		case <-ctx.Done():
			return
		}
		deadline := time.After(gather)
		for n, more := 1, true; more && n < maxPushed && len(msg) < maxMessage; {
			select {
			case e := <-news:
				msg = append(msg, feed.Encode(e)...)
				n++
			case <-deadline:
				more = false
			case <-ctx.Done():
				return
			}
		}
		if err := topic.Publish(ctx, msg); err != nil && ctx.Err() == nil {
			g.Log.Debug("gossip: publish", "error", err)
		}
	}
}
