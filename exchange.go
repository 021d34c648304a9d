package moot

import "io"

// Exchange is a stream about one blob: any number of parts are requested and sent
// without a round trip each, and what the other node comes to hold is announced
// meanwhile. One goroutine may send requests while another waits in Next.
type Exchange interface {
	// Request asks for a range of whole groups. Requests are answered in order. The
	// answer may omit prefix, the beginning of the range's slice as far as it is
	// verified here (see blob.ProofPrefix); nil if nothing is.
	Request(r Range, prefix []byte) error
	// Cancel withdraws a request that has not been answered yet.
	Cancel(Range) error
	// Ack acknowledges the last part. It travels with the next request, or at the
	// latest before Next waits.
	Ack()
	// Next waits for the next event. An error ends the exchange.
	Next() (ExchangeEvent, error)
	// Close ends the exchange, also while another goroutine waits in Next.
	Close() error
}

// ExchangeEvent is one message of the other node.
type ExchangeEvent struct {
	Size      int64     // of the blob, as the node believes; not set if Part is
	Held      []Range   // held beyond what was announced before
	Preferred []Range   // to be requested before other parts
	Throttled bool      // only parts that no other node has should be requested
	Queued    bool      // the requests wait, because other receivers come first
	Part      Range     // what Slice or Refused is about
	Slice     io.Reader // the Bao slice of Part, to be read to its end before Next; or nil
	Refused   bool      // Part is not held and will not be sent
}
