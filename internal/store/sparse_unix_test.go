//go:build unix

package store

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// onDisk returns how many bytes all files below a folder take.
func onDisk(t *testing.T, dir string) (bytes int64) {
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	}))
	return bytes
}

// sparse is 8 MiB with 4 KiB of data, and ends with zeros.
func sparse() []byte {
	data := make([]byte, 8<<20)
	copy(data[1<<20:], content(4<<10, 1))
	return data
}

// most is what the store may take for it: the data, the tree, its list and folders.
const most = 1 << 20

// TestPutLeavesHoles where a blob has zeros.
func TestPutLeavesHoles(t *testing.T) {
	r := diskRig(t)
	data := sparse()
	b := r.put(data)
	if got := onDisk(t, r.cfg.Blobs); got > most {
		t.Errorf("%d bytes on the disk", got)
	}
	r.reopen()
	if got, err := r.get(b.ID, moot.Whole); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestDownloadsLeaveHoles also after they were resumed; but what was damaged is written anew.
func TestDownloadsLeaveHoles(t *testing.T) {
	r := diskRig(t)
	data := sparse()
	b, _ := blob.Hash(bytes.NewReader(data))
	all := blob.Groups(b.Size)
	p, err := r.Fill(t.Context(), b)
	must(t, err)
	download(t, p, b, data, 0, all/2)
	must(t, p.Close())
	must(t, r.Close())
	part, err := os.OpenFile(filepath.Join(r.cfg.Blobs, partName(b.ID, ".data")), os.O_RDWR, 0)
	must(t, err)
	for _, group := range []int64{3, all - 2} { // one that is listed, one that is not
		_, err = part.WriteAt([]byte("of before a crash"), group*blob.GroupSize)
		must(t, err)
	}
	must(t, part.Close())
	r.open()
	p, err = r.Fill(t.Context(), b)
	must(t, err)
	download(t, p, b, data, 0, all)
	must(t, p.Complete(t.Context()))
	must(t, p.Close())
	if got := onDisk(t, r.cfg.Blobs); got > most {
		t.Errorf("%d bytes on the disk", got)
	}
	if got, err := r.get(b.ID, moot.Whole); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
