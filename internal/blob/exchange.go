package blob

import (
	"context"
	"io"

	"github.com/mootspace/moot"
)

// Exchanger is a node that can be spoken with at length about one blob: many parts
// are asked for and sent without a request each, and what the node comes to hold
// meanwhile is told as it comes.
type Exchanger interface {
	// Exchange begins. Kind NotFound if the node holds nothing of the blob.
	Exchange(ctx context.Context, id moot.BlobID) (Exchange, error)
}

// Exchange is such a conversation. One goroutine may ask and cancel while another
// waits for events.
type Exchange interface {
	// Ask asks for a range of whole groups; it is answered after those asked before.
	// lead is how its slice begins as far as that is known (see Lead) and need not be
	// sent; nil if nothing is.
	Ask(r moot.Range, lead []byte) error
	// Cancel takes back what was asked for and has not been sent.
	Cancel(moot.Range) error
	// Took says that the last part was taken in. It travels with the next request, or
	// before Next waits.
	Took()
	// Next waits for what the node says.
	Next() (Event, error)
	// Close ends the conversation, also for others who are waiting.
	Close() error
}

// Event is something that the other node says.
type Event struct {
	Size    int64        // of the blob, as the node believes
	Held    []moot.Range // what it holds beyond what it said before
	First   []moot.Range // what it wishes to be asked for before other parts
	Rests   bool         // it wishes to be asked only for what nobody else has
	Waits   bool         // what it was asked for waits for its turn there
	Part    moot.Range   // what Slice or Refused are about
	Slice   io.Reader    // the Bao slice of Part, to be read to its end before Next; or nil
	Refused bool         // Part will not come: it is not held
}
