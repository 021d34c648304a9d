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
	batchDelay = 10 * time.Millisecond // entries stored within this time are sent together
	maxMessage = 256 << 10             // bytes
	maxPushed  = 1024                  // entries in a message
	maxPushAge = time.Minute           // older entries are left to the repair
	appendTime = 30 * time.Second
)

// push joins the space's topic (gossipsub v1.1: Vyzovitis et al., 2020): messages
// are CBOR sequences of entries, forwarded by nodes that could store them.
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
	topicName := "moot/2/" + g.Space.String()
	if err := ps.RegisterTopicValidator(topicName, g.validate, pubsub.WithValidatorTimeout(appendTime)); err != nil {
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
	g.wg.Go(func() { // the validator has done the work: messages are only drained
		defer sub.Cancel()
		for {
			if _, err := sub.Next(ctx); err != nil {
				return
			}
		}
	})
	g.wg.Go(func() { g.pushNew(ctx, topic) })
	return nil
}

// params make a thinner mesh than gossipsub's own (D = 6): an author sends an entry to all
// its neighbours at once, and gaps are repaired within seconds, so that the mesh need
// only reach nodes that are not neighbours.
func params() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D, p.Dlo, p.Dhi, p.Dscore, p.Dout, p.Dlazy = 3, 2, 5, 2, 0, 3
	return p
}

// validate accepts a message if its entries can be stored.
func (g *gossip) validate(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == g.Host.ID() {
		return pubsub.ValidationAccept
	}
	entries, err := readAll(m.GetData())
	if err != nil {
		g.Log.Warn("gossip: a peer sends an invalid entry", "peer", from, "error", err)
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
		g.Log.Warn("gossip: a peer sends an entry with a false signature", "peer", from, "error", err)
		return pubsub.ValidationReject
	case kind == moot.Gap || kind == moot.Stranger:
		g.connected(from) // an entry before it is missing
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

// pushNew publishes what is stored from now on, unless it came from peers.
func (g *gossip) pushNew(ctx context.Context, topic *pubsub.Topic) {
	for ctx.Err() == nil {
		since, err := g.Local.Vector(ctx)
		if err != nil {
			return
		}
		fresh := make(chan moot.Entry, maxPushed)
		watching, stop := context.WithCancel(ctx)
		g.wg.Go(func() { g.publish(watching, topic, fresh) })
		for e, err := range g.Local.Watch(watching, since) {
			if err != nil {
				break // fell behind: the rest is left to the repair
			}
			if g.seen.has(e.ID) || time.Since(e.Time.Wall()) > maxPushAge {
				continue
			}
			select {
			case fresh <- e:
			default: // more than can be sent: left to the repair
			}
		}
		stop()
	}
}

// publish sends entries that arrive within batchDelay as one message.
func (g *gossip) publish(ctx context.Context, topic *pubsub.Topic, fresh <-chan moot.Entry) {
	for {
		var msg []byte
		select {
		case e := <-fresh:
			msg = feed.Encode(e)
		case <-ctx.Done():
			return
		}
		deadline := time.After(batchDelay)
		for n, more := 1, true; more && n < maxPushed && len(msg) < maxMessage; {
			select {
			case e := <-fresh:
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
