package blob

import (
	"encoding/binary"
	"errors"
	"io"

	"lukechampine.com/blake3/guts"

	"github.com/mootspace/moot"
)

// Decoder turns a Bao slice that may come from anyone into verified bytes.
type Decoder struct {
	src  io.Reader
	id   moot.BlobID
	rng  moot.Range // clipped once the size is known
	size int64      // as claimed
	todo []span     // subtrees not yet read, the next one last; nil before the header
	end  int64      // groups before this one are wanted
	buf  *[GroupSize]byte
	sub  []Node // on the path to the next group, or to the current one if gave
	gave bool   // the current group was returned
	rest []byte // of the current group, for Read
	err  error
}

// NewDecoder returns a Decoder of the slice of a range of blob id, read from r. It
// reads no further than the slice's end.
func NewDecoder(r io.Reader, id moot.BlobID, rng moot.Range) *Decoder {
	return &Decoder{src: r, id: id, rng: rng}
}

// Size returns the blob's size as the slice claims it. It is proven once the blob's
// last group has been decoded (see LastRange).
func (d *Decoder) Size() (int64, error) {
	d.begin()
	if d.todo == nil && d.err != nil {
		return 0, d.err
	}
	return d.size, nil
}

// begin reads the size.
func (d *Decoder) begin() {
	if d.todo != nil || d.err != nil {
		return
	}
	var head [8]byte
	if d.err = d.fill(head[:]); d.err != nil {
		return
	}
	size := binary.LittleEndian.Uint64(head[:])
	if size > MaxSize {
		d.err = moot.Errorf(moot.Corrupt, "blob %v: a size of %d bytes is impossible", d.id, size)
		return
	}
	d.size = int64(size)
	first, end := groupsOf(d.rng, d.size)
	d.rng = d.rng.In(d.size)
	d.end = end
	top := root(moot.Blob{ID: d.id, Size: d.size})
	d.todo = append(make([]span, 0, 64), top)
	d.descend(first)
}

// descend reads parents until a wanted group is next, and leaves out subtrees that
// have none.
func (d *Decoder) descend(first int64) {
	total := Groups(d.size)
	for len(d.todo) > 0 && d.err == nil {
		last := len(d.todo) - 1
		s := d.todo[last]
		if s.groups == 1 {
			return
		}
		var both [2 * cvSize]byte
		if d.err = d.fill(both[:]); d.err != nil {
			return
		}
		left, right := s.split()
		left.cv, right.cv = cvOf((*[cvSize]byte)(both[:])), cvOf((*[cvSize]byte)(both[cvSize:]))
		if parent(left.cv, right.cv, s.flags(total)) != s.cv {
			d.err = moot.Errorf(moot.Corrupt, "a false tree for blob %v above byte %d", d.id, s.first*GroupSize)
			return
		}
		d.sub = append(d.sub, Node{left.pos, [cvSize]byte(both[:cvSize])}, Node{right.pos, [cvSize]byte(both[cvSize:])})
		d.todo = d.todo[:last]
		for _, half := range []span{right, left} {
			if half.within(first, d.end) {
				d.todo = append(d.todo, half)
			}
		}
	}
}

// Next returns the next group of the range; its Data and Nodes are valid until the
// next call. The groups at the ends of the range come whole. Errors: io.EOF after
// the last group, kind Corrupt for bytes that do not belong to the blob, kind
// Unavailable if the slice ends early, and others of the underlying reader.
func (d *Decoder) Next() (Group, error) {
	if d.gave {
		d.sub, d.gave = d.sub[:0], false
	}
	d.begin()
	if d.err == nil {
		d.descend(0)
	}
	if d.err == nil && len(d.todo) == 0 {
		d.err = io.EOF
	}
	if d.err != nil {
		return Group{}, d.err
	}
	last := len(d.todo) - 1
	s := d.todo[last]
	if d.buf == nil {
		d.buf = new([GroupSize]byte)
	}
	p := d.buf[:s.size(d.size)]
	if d.err = d.fill(p); d.err != nil {
		return Group{}, d.err
	}
	var flags uint32
	if Groups(d.size) == 1 {
		flags = guts.FlagRoot
	}
	if leaf(d.buf, len(p), s.first, flags) != s.cv {
		d.err = moot.Errorf(moot.Corrupt, "false bytes for blob %v at %d", d.id, s.first*GroupSize)
		return Group{}, d.err
	}
	d.todo = d.todo[:last]
	d.gave = true
	return Group{Index: s.first, Data: p, Nodes: d.sub}, nil
}

// NextRun returns as many of the next groups as buf has room for, joined: the price of
// writing them is mostly one for each call. buf holds at least one group. What was
// verified before an error comes first, then the error. Otherwise it is like Next.
func (d *Decoder) NextRun(buf []byte) (Group, error) {
	own := d.buf
	defer func() { d.buf = own }()
	var run Group
	for n := 0; n+GroupSize <= len(buf); n = len(run.Data) {
		d.buf = (*[GroupSize]byte)(buf[n:])
		g, err := d.Next()
		if err != nil && n > 0 {
			break // it stays, for the next call
		}
		if err != nil {
			return Group{}, err
		}
		if n == 0 {
			run.Index = g.Index
		}
		run.Data, run.Nodes = buf[:n+len(g.Data)], append(run.Nodes, g.Nodes...)
		if len(g.Data) < GroupSize {
			break
		}
	}
	return run, nil
}

// Read implements io.Reader: it yields exactly the bytes of the range. A caller
// that got all of them has also had io.EOF, and only then are they all there.
func (d *Decoder) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(d.rest) == 0 {
		g, err := d.Next()
		if err != nil {
			return 0, err
		}
		d.rest = d.cut(g)
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// WriteTo implements io.WriterTo, without a copy.
func (d *Decoder) WriteTo(w io.Writer) (n int64, err error) {
	for {
		if len(d.rest) > 0 {
			m, err := w.Write(d.rest)
			n += int64(m)
			d.rest = d.rest[m:]
			if err != nil {
				return n, err
			}
		}
		g, err := d.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		d.rest = d.cut(g)
	}
}

// cut returns what the range has of a group.
func (d *Decoder) cut(g Group) []byte {
	at := g.Index * GroupSize
	from, to := max(d.rng.Offset-at, 0), min(d.rng.End()-at, int64(len(g.Data)))
	if from >= to {
		return nil
	}
	return g.Data[from:to]
}

// fill reads exactly len(p) bytes.
func (d *Decoder) fill(p []byte) error {
	_, err := io.ReadFull(d.src, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return moot.Errorf(moot.Unavailable, "the bytes of blob %v ended early", d.id)
	}
	return err
}
