package ask

import (
	"bufio"
	"context"
	"io"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

// reader is one consumer of a download: it writes the Bao slice of its range while
// the groups arrive. blob.Encode reads what it writes in order, groups and tree
// nodes alike; so whatever it reads between two groups is there once the later of
// the two is held, and waiting for that group is all there is to do.
type reader struct {
	d     *download
	ctx   context.Context //nolint:containedctx // of one read, which its methods share
	out   *bufio.Writer
	next  int64 // the group that is written next
	end   int64 // after the last wanted
	whole bool  // all of the blob is wanted
	err   error // why waiting ended
}

// read returns the slice of a range once the size is known. If it fails, the caller must
// leave the download.
func (d *download) read(ctx context.Context, r moot.Range) (io.ReadCloser, error) {
	select {
	case <-d.ready:
	case <-ctx.Done():
		return nil, moot.Wrap("blob "+d.id.String(), ctx.Err())
	}
	if d.part == nil {
		return d.readLocal(ctx, r)
	}
	ctx, cancel := context.WithCancel(ctx)
	pr, pw := io.Pipe()
	clipped := r.In(d.blob.Size)
	first := min(clipped.Offset/blob.GroupSize, blob.Groups(d.blob.Size)-1)
	rd := &reader{
		d: d, ctx: ctx, out: bufio.NewWriterSize(pw, 4*blob.GroupSize),
		whole: r == moot.Whole,
		next:  first, end: max(first+1, (clipped.End()+blob.GroupSize-1)/blob.GroupSize),
	}
	d.addReader(rd)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(rd.write(r))
		d.removeReader(rd)
		d.node.leave(d)
	}()
	return &stream{pr, sync.OnceFunc(func() { cancel(); _ = pr.Close(); <-done })}, nil
}

// readLocal reads a blob that is held here after all, or returns the error of a download
// that ended before it began.
func (d *download) readLocal(ctx context.Context, r moot.Range) (io.ReadCloser, error) {
	<-d.ended
	if d.err != nil {
		return nil, d.err
	}
	rc, err := d.node.cfg.Local.Get(ctx, d.id, r)
	if err != nil {
		return nil, err
	}
	return &stream{rc, sync.OnceFunc(func() { rc.Close(); d.node.leave(d) })}, nil
}

// stream is a reader whose Close leaves the download.
type stream struct {
	io.Reader
	close func()
}

func (s *stream) Close() error {
	s.close()
	return nil
}

// write encodes the range. If with it the whole blob is held, it returns only when
// the blob is durable.
func (rd *reader) write(r moot.Range) error {
	d := rd.d
	err := blob.Encode(rd.out, d.blob, readerAt(rd.data), readerAt(rd.tree), r)
	if rd.err != nil {
		return rd.err
	}
	if err == nil {
		err = rd.out.Flush()
	}
	if err != nil {
		return err
	}
	if !d.isFull() {
		return nil
	}
	select {
	case <-d.ended:
		return d.err
	case <-rd.ctx.Done():
		return rd.ctx.Err()
	}
}

// data reads groups, and waits for them.
func (rd *reader) data(p []byte, off int64) (int, error) {
	for g := off / blob.GroupSize; g*blob.GroupSize < off+int64(len(p)) && g < rd.end; g++ {
		if err := rd.wait(g); err != nil {
			return 0, err
		}
	}
	n, err := rd.d.part.Data().ReadAt(p, off)
	if g := (off + int64(n)) / blob.GroupSize; g > rd.next && g < rd.end {
		rd.advance(g)
	}
	return n, err
}

// tree reads nodes, which are there once the group that is written next is.
func (rd *reader) tree(p []byte, off int64) (int, error) {
	if err := rd.wait(rd.next); err != nil {
		return 0, err
	}
	return rd.d.part.Tree().ReadAt(p, off)
}

// wait returns when the group is held; before it blocks, it flushes the output.
func (rd *reader) wait(g int64) error {
	d := rd.d
	for rd.err == nil {
		d.mu.Lock()
		if d.held.Has(g) {
			d.mu.Unlock()
			return nil
		}
		more := d.more.wait()
		rd.err = d.err
		d.mu.Unlock()
		if rd.err != nil {
			break
		}
		if rd.err = rd.out.Flush(); rd.err != nil {
			break
		}
		select {
		case <-more:
		case <-rd.ctx.Done():
			rd.err = rd.ctx.Err()
		}
	}
	return rd.err
}

// advance passes the reader's position to the scheduler.
func (rd *reader) advance(g int64) {
	d := rd.d
	d.mu.Lock()
	defer d.mu.Unlock()
	rd.next = g
	d.updateWants()
}

func (d *download) addReader(rd *reader) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readers[rd] = struct{}{}
	d.lastGroup = d.node.now()
	d.updateWants()
	d.wakeAll()
}

func (d *download) removeReader(rd *reader) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.readers, rd)
	d.updateWants()
}

// updateWants passes to the scheduler what all readers still need. The caller holds d.mu.
func (d *download) updateWants() {
	var ordered, others []swarm.Run
	for rd := range d.readers {
		run := swarm.Run{First: rd.next, Count: rd.end - rd.next}
		if rd.whole { // usually written to a disk: rarest first is best for the swarm
			others = append(others, run)
		} else {
			ordered = append(ordered, run)
		}
	}
	d.sched.Want(ordered, others)
}

type readerAt func(p []byte, off int64) (int, error)

func (f readerAt) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }
