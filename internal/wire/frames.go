package wire

import (
	"bufio"
	"encoding/binary"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// An exchange is one request whose body and answer flow at the same time. Both are
// frames: a byte that says what they are, and numbers as unsigned varints. Ranges are
// counted in groups of 16 KiB.
//
//	asked:    a first count known | c first count (take back) | g (a part came) | k (still here)
//	answered: s size | h n (first count)… (holds more) |
//	          f n (first count)… (ask for these before others) | r (ask only for what nobody else has) |
//	          p first count known slice | n first count (refused) |
//	          w (what was asked for waits for its turn)
//
// known is 0, or one more than the number of parents at the beginning of the slice that
// the asking side knows: these and the size before them are left out.
const (
	frameAsk    = 'a'
	frameCancel = 'c'
	frameCame   = 'g'
	frameKeep   = 'k'
	frameSize   = 's'
	frameHold   = 'h'
	frameFirst  = 'f'
	frameRest   = 'r'
	framePart   = 'p'
	frameNone   = 'n'
	frameWait   = 'w'
)

// groupRun is a stretch of groups.
type groupRun struct{ first, count uint64 }

func runOf(r moot.Range) groupRun {
	return groupRun{uint64(r.Offset / blob.GroupSize), uint64(blob.Groups(r.Length))}
}

// in returns the run as bytes of a blob; false if it is none of its stretches.
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

// errFrame is what a frame that makes no sense is called; a broken link keeps its error.
func errFrame(err error) error {
	if err != nil {
		return err
	}
	return moot.Errorf(moot.Invalid, "said what is no frame of an exchange")
}
