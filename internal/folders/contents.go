package folders

import (
	"io/fs"
	"path"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/tree"
)

// Limits of what is put in place together.
const (
	placeFiles = 1000
	placeBytes = 32 << 20 // of small files
)

// placing is a file or link on its way to its place.
type placing struct {
	*want
	at     string
	staged string // name of its bytes; empty: they could not be had
	err    error
}

// contents fetches what is new, in batches, and puts each file in place once all of its
// bytes are durable.
func (x *applier) contents(p plan) error {
	var list []*want
	for _, w := range p.wants {
		if w.row.Type != tree.Folder && x.needsContent(w) {
			list = append(list, w)
		}
	}
	x.progress.wanted = len(list)
	for len(list) > 0 {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		n, bytes := 0, int64(0)
		for n < len(list) && n < placeFiles && bytes < placeBytes {
			bytes += min(list[n].row.Blob.Size, moot.MaxSmall)
			n++
		}
		if err := x.placeBatch(list[:n]); err != nil {
			return err
		}
		list = list[n:]
		x.progress.wanted = len(list)
		x.publishStatus()
	}
	return nil
}

// needsContent reports whether a want's bytes are not on the disk, and may be put there now.
func (x *applier) needsContent(w *want) bool {
	n := w.node
	if n != nil && n.Next == nil && n.Stat.Inode != 0 && n.Blob.ID == w.row.Blob.ID && n.Target == w.row.Target {
		return false
	}
	if w.parent.node == nil || n != nil && (n.pending() || n.parent != w.parent.node || n.name != w.name) {
		x.later = true
		return false
	}
	at := path.Join(w.parent.node.path(), w.name)
	if other := w.parent.node.children[w.name]; other != nil && other != n {
		x.later = true
		return false
	}
	if x.heldBack(at) {
		x.later = true
		return false
	}
	return true
}

// placeBatch puts one batch in place.
func (x *applier) placeBatch(list []*want) error {
	batch := x.intend(list)
	if err := x.database.save(x.ctx, x.row, x.local, nil); err != nil {
		return err
	}
	x.stage(batch)
	if err := x.syncStaged(batch); err != nil {
		return err
	}
	for _, p := range batch {
		if p.err == nil {
			p.err = x.permitted(func() error { return x.install(p) }, p.node.parent)
		}
		if p.err != nil {
			x.giveUp(p)
		}
	}
	if err := x.flush(); err != nil {
		return err
	}
	x.removeAside()
	return x.database.save(x.ctx, x.row, x.local, nil)
}

// intend records what is going to be put in place.
func (x *applier) intend(list []*want) []*placing {
	batch := make([]*placing, 0, len(list))
	for _, w := range list {
		if w.node == nil {
			w.node = x.local.add(w.parent.node, w.name, w.row.Type)
		}
		w.node.Next = &next{Item: w.row.Item, Versions: versionsOf(w.row), Blob: w.row.Blob}
		x.local.unsaved[w.node] = struct{}{}
		batch = append(batch, &placing{want: w, at: w.node.path()})
	}
	return batch
}

// stage writes all bytes under names of its own: small files many at a time.
func (x *applier) stage(batch []*placing) {
	small := map[moot.BlobID][]*placing{}
	var ids []moot.BlobID
	for _, p := range batch {
		switch {
		case p.row.Type == tree.Link:
			p.staged, p.err = x.stageLink(p)
		case p.row.Blob.Size <= moot.MaxSmall:
			if small[p.row.Blob.ID] == nil {
				ids = append(ids, p.row.Blob.ID)
			}
			small[p.row.Blob.ID] = append(small[p.row.Blob.ID], p)
		}
	}
	if len(ids) > 0 {
		x.stageSmall(ids, small)
	}
	for _, p := range batch {
		if p.row.Type == tree.File && p.row.Blob.Size > moot.MaxSmall {
			p.staged, p.err = x.stageLarge(p)
		}
	}
}

func (x *applier) stageLink(p *placing) (string, error) {
	at := x.freeName()
	err := x.dir.Symlink(p.row.Target, at)
	if err == nil {
		_, err = x.dir.SetTime(at, p.row.ModTime)
	}
	return at, err
}

// stageSmall fetches small files and writes them.
func (x *applier) stageSmall(ids []moot.BlobID, small map[moot.BlobID][]*placing) {
	if err := x.checkSpace(int64(len(ids)) << 12); err != nil {
		for _, list := range small {
			for _, p := range list {
				p.err = err
			}
		}
		return
	}
	var failure error
	for s, err := range x.space.GetMany(x.ctx, ids) {
		if err != nil {
			failure = err
			break
		}
		for _, p := range small[s.ID] {
			p.staged, p.err = x.write(p, s.Data)
		}
	}
	if failure == nil {
		failure = moot.Errorf(moot.Unavailable, "nobody who has it can be reached now")
	}
	for _, list := range small {
		for _, p := range list {
			if p.staged == "" && p.err == nil {
				p.err = failure
			}
		}
	}
}

func (x *applier) write(p *placing, data []byte) (string, error) {
	if int64(len(data)) != p.row.Blob.Size {
		return "", moot.Errorf(moot.Corrupt, "%s has %d bytes and not the %d that its author states", p.at, len(data), p.row.Blob.Size)
	}
	out, err := x.dir.Stage()
	if err != nil {
		return "", err
	}
	if _, err = out.Write(data); err == nil {
		_, err = out.Finish(modeOf(p.row), p.row.ModTime)
	}
	if err != nil {
		out.Discard()
		return "", err
	}
	return out.Path(), nil
}

// stageLarge fetches one large file.
func (x *applier) stageLarge(p *placing) (string, error) {
	if err := x.checkSpace(p.row.Blob.Size); err != nil {
		return "", err
	}
	to := Staging{Dir: x.dir, Root: x.stored.dir, Name: x.freeName()}
	return x.space.Fetch(x.ctx, p.row.Blob, to, modeOf(p.row), p.row.ModTime)
}

// checkSpace reports, with kind Full, that some bytes do not fit the disk; a hundredth stays free.
func (x *applier) checkSpace(bytes int64) error {
	free, total, err := x.dir.Free()
	if err == nil && uint64(bytes)+total/100 > free {
		return moot.Errorf(moot.Full, "%d bytes do not fit: %d are free", bytes, free)
	}
	return nil
}

func (x *applier) syncStaged(batch []*placing) error {
	var names []string
	for _, p := range batch {
		if p.err == nil && p.staged != "" && p.row.Type == tree.File {
			names = append(names, p.staged)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return x.dir.Sync(names)
}

// install gives staged bytes their name. If the user was quicker, what lies there stays.
func (x *applier) install(p *placing) error {
	n := p.node
	var err error
	if n.Stat.Inode == 0 {
		err = x.dir.Place(p.staged, p.at)
	} else {
		err = x.exchangeContent(p)
	}
	if err != nil {
		return err
	}
	x.changed(p.at)
	s, err := x.dir.Stat(p.at)
	if err != nil {
		return err
	}
	r := p.record(n.record, x.now())
	r.Stat = s
	x.unnotice(n)
	n.seen = nil
	x.local.agree(n, r)
	x.forgive(p.at)
	if p.row.Type == tree.File && (s.Size != p.row.Blob.Size || !p.written(s)) {
		x.wait(p.at, true) // changed since it was placed
		n.Stat.ChangeTime = n.Stat.ChangeTime.Add(-1)
	}
	x.report(Event{What: placedAs(p), Path: p.at})
	return nil
}

// written reports whether a file has still the time that it was given.
func (p *placing) written(s localdir.Stat) bool {
	d := s.ModTime.Sub(p.row.ModTime)
	return d == 0 || s.ModTime.Before(s.ChangeTime.Add(-quietFor)) || s.ModTime.After(s.ChangeTime)
}

func placedAs(p *placing) string {
	if p.row.Copy {
		return "conflict copy"
	}
	return "received"
}

// exchangeContent puts new content where old lies, and what comes out is looked at: if it
// is not what was expected it goes back.
func (x *applier) exchangeContent(p *placing) error {
	n := p.node
	s, err := x.dir.Stat(p.at)
	if err != nil {
		return err
	}
	if !n.Stat.Unchanged(s) {
		return moot.Errorf(moot.Conflict, "%s was changed here meanwhile", p.at)
	}
	if err := x.dir.Exchange(p.staged, p.at); err != nil {
		return err
	}
	out, err := x.dir.Stat(p.staged)
	if err != nil || !sameContent(n.Stat, out) {
		return firstErr(x.dir.Exchange(p.staged, p.at), moot.Errorf(moot.Conflict, "%s was changed here meanwhile", p.at))
	}
	x.discard(n, p.staged)
	p.staged = ""
	return nil
}

// giveUp leaves a want for later.
func (x *applier) giveUp(p *placing) {
	if p.staged != "" {
		_ = x.dir.Remove(p.staged) // removed at the next start at the latest
	}
	n := p.node
	n.Next = nil
	x.local.unsaved[n] = struct{}{}
	if n.Stat.Inode == 0 {
		x.local.remove(n)
		p.node = nil
	}
	x.couldNot(p.at, p.err)
}

func modeOf(s tree.Shown) fs.FileMode {
	if s.Mode == 0 {
		return 0o644
	}
	return s.Mode
}
