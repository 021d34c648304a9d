package wire

import (
	"bufio"
	"encoding/binary"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// An exchange is one HTTP request whose body and response flow at the same time. Both
// are frames: a byte for the kind, and numbers as unsigned varints. Ranges are counted
// in groups of 16 KiB.
//
//	body:     a first count prefix (request) | c first count (cancel) | g (acknowledge a part) | k (keep-alive)
//	response: s size | h n (first count)… (holds more) |
//	          f n (first count)… (preferred: to be requested before others) |
//	          r (throttle: request only what no other node has) |
//	          p first count prefix slice | n first count (refused) |
//	          w (queued: the requests wait)
//
// prefix is 0, or one more than the number of parents in the proof prefix that the client
// knows: these and the size before them are omitted.
const (
	frameRequest   = 'a'
	frameCancel    = 'c'
	frameAck       = 'g'
	frameKeepAlive = 'k'
	frameSize      = 's'
	frameHold      = 'h'
	framePreferred = 'f'
	frameThrottle  = 'r'
	framePart      = 'p'
	frameRefused   = 'n'
	frameQueued    = 'w'
)

// groupRun is a range of groups.
type groupRun struct{ first, count uint64 }

func runOf(r moot.Range) groupRun {
	return groupRun{uint64(r.Offset / blob.GroupSize), uint64(blob.Groups(r.Length))}
}

// in returns the run as bytes of a blob; false if it does not lie within the blob.
func (g groupRun) in(size int64) (moot.Range, bool) {
	all := uint64(blob.Groups(size))
	if g.count == 0 || g.first >= all || g.count > all-g.first {
		return moot.Range{}, false
	}
	return moot.Range{Offset: int64(g.first) * blob.GroupSize, Length: int64(g.count) * blob.GroupSize}.In(size), true
}

func readRun(in *bufio.Reader) (run groupRun, err error) {
	if run.first, err = binary.ReadUvarint(in); err == nil {
		run.count, err = binary.ReadUvarint(in)
	}
	return run, err
}

// errFrame is the error of an invalid frame; an error of the link stays as it is.
func errFrame(err error) error {
	if err != nil {
		return err
	}
	return moot.Errorf(moot.Invalid, "invalid frame in an exchange")
}
