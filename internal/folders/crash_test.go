package folders_test

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/localdir"
)

// What outlasts a loss of power, as the weakest of the file systems with a journal or
// copy-on-write do it (ext4 with data=writeback, XFS, btrfs, APFS):
//
//   - the content, mode and times of a file as they were at the last flush of it, or any later
//     state, of which the data may be cut, zero, or older than its size and times;
//   - an operation on names that its folder was not flushed after: all of it or nothing, a
//     rename between two folders included;
//   - the later of two operations, without the earlier one, unless they concern one name, one
//     removes a folder that the other changed, one needs a folder that the other made, or both
//     move folders. POSIX promises less: not even that a rename is atomic after a crash.
//
// A flush of a folder makes operations on its names durable, and those that they need.

// needs reports whether an operation cannot outlast a loss of power without an earlier one.
func (r *rename) needs(earlier *rename) bool {
	if r.moves && earlier.moves {
		return true
	}
	for _, s := range r.slots {
		for _, e := range earlier.slots {
			if s.dir == e.dir && (s.name == e.name || r.removes == e.dir) || e.to == s.dir || r.removes == e.dir {
				return true
			}
		}
	}
	return false
}

// commit makes operations durable that are wanted, and what they need; the rest stays pending.
func (d *disk) commit(wanted func(*rename) bool) {
	chosen := make([]bool, len(d.pending))
	for i := len(d.pending) - 1; i >= 0; i-- {
		if chosen[i] = chosen[i] || wanted(d.pending[i]); chosen[i] {
			for j := range i {
				chosen[j] = chosen[j] || d.pending[i].needs(d.pending[j])
			}
		}
	}
	var rest []*rename
	for i, r := range d.pending {
		if !chosen[i] {
			rest = append(rest, r)
			continue
		}
		for _, s := range r.slots {
			if s.to == nil {
				delete(s.dir.durable, s.name)
			} else {
				s.dir.durable[s.name] = s.to
			}
		}
	}
	d.pending = rest
}

func (d *disk) Sync(files []string) error {
	defer d.lock()()
	for _, p := range files {
		n, err := d.get(p)
		if err != nil {
			return err
		}
		n.states = []state{n.state}
	}
	return nil
}

func (d *disk) Flush(folders []string) error {
	defer d.lock()()
	for _, p := range folders {
		n, err := d.get(p)
		if err != nil || n.kind != fs.ModeDir {
			continue
		}
		n.states = []state{n.state}
		d.commit(func(r *rename) bool {
			return slices.ContainsFunc(r.slots, func(s slot) bool { return s.dir == n })
		})
	}
	return nil
}

// loss is what a loss of power does: how likely each operation that was not flushed outlasts
// it, and how likely a file has its last state, undamaged.
type loss struct {
	r           *rand.Rand
	names, data float64
}

func anyLoss(r *rand.Rand) loss {
	some := []float64{0, 0.3, 0.8, 1}
	return loss{r, some[r.IntN(4)], some[r.IntN(4)]}
}

// losePower makes of the disk what is found afterwards. It returns what users wrote that is
// damaged.
func (d *disk) losePower(l loss) (damaged []string) {
	defer d.lock()()
	chosen := map[*rename]bool{}
	for _, r := range d.pending {
		chosen[r] = l.r.Float64() < l.names
	}
	list := slices.Clone(d.pending)
	for i, r := range list { // what needs something that is lost is lost
		for _, e := range list[:i] {
			chosen[r] = chosen[r] && (chosen[e] || !r.needs(e))
		}
	}
	d.commit(func(r *rename) bool { return chosen[r] })
	d.pending = nil
	seen := map[*inode]bool{}
	var revive func(n *inode)
	revive = func(n *inode) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.kind == fs.ModeDir {
			n.names = maps.Clone(n.durable)
			for _, name := range slices.Sorted(maps.Keys(n.names)) {
				revive(n.names[name])
			}
		}
		if l.damage(n) {
			damaged = append(damaged, string(n.data))
		}
	}
	revive(d.root)
	return damaged
}

// damage chooses the state of a file; it reports whether that is damaged and a user's.
func (l loss) damage(n *inode) (damaged bool) {
	if l.r.Float64() >= l.data {
		damaged = n.user
		durable := n.states[0].data
		n.state = n.states[l.r.IntN(len(n.states))]
		if string(durable) != string(n.data) {
			data := make([]byte, len(n.data))
			copy(data, n.data[:l.r.IntN(len(n.data)+1)]) // the rest is zero
			switch l.r.IntN(4) {
			case 0:
				n.data = data
			case 1:
				n.data = n.data[:l.r.IntN(len(n.data)+1)]
			case 2:
				n.data = durable
			}
		}
	}
	n.states = []state{n.state}
	return damaged
}

// losePower ends the program and restarts it with what is left on the disk. What a user
// wrote and the space has was acknowledged, so it must be there.
func (m *member) losePower(l loss) {
	m.t.Helper()
	_ = m.service.Close() // perhaps for the second time
	before, after := m.disk.written(), map[string]bool{}
	for _, content := range m.disk.losePower(l) {
		m.knows(content)
	}
	for _, content := range contents(m.user) {
		after[content] = true
	}
	for content := range before {
		switch {
		case after[content]:
		case m.stated[blob.IDOf([]byte(content))]:
			m.t.Errorf("%q of member %d was acknowledged and is lost", content, m.key[0])
		default:
			m.destroyed[content] = true
		}
	}
	m.before = nil
	m.open()
}

// written returns what users wrote and is on the disk.
func (d *disk) written() map[string]bool {
	all := map[string]bool{}
	d.walk(func(p string, n *inode) {
		if n.kind == 0 && n.user && path.Base(p) != ".moot-draft" && !strings.HasPrefix(p, localdir.Private) {
			all[string(n.data)] = true
		}
	})
	return all
}
