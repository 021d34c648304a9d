//go:build linux

package localdir

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mootspace/moot"
)

// TestPipe opens pipes and sockets: it neither waits nor wakes up who writes to one.
func TestPipe(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		pipe := filepath.Join(r.Path(), "pipe")
		check(t, unix.Mkfifo(pipe, 0o600))
		_, err := r.Open("pipe")
		want(t, "open a pipe", err, moot.Conflict)
		if s := stat(t, r, "pipe"); s.Type != os.ModeNamedPipe {
			t.Errorf("got %v", s.Type)
		}
		_, err = unix.Open(pipe, unix.O_WRONLY|unix.O_NONBLOCK, 0)
		if err != unix.ENXIO {
			t.Errorf("somebody has the pipe open: %v", err)
		}
		check(t, unix.Mknod(filepath.Join(r.Path(), "socket"), unix.S_IFSOCK|0o600, 0))
		_, err = r.Open("socket")
		want(t, "open a socket", err, moot.Conflict)
		_, err = r.Open("")
		want(t, "open a folder", err, moot.Conflict)
	})
}

// TestSwapped has somebody swap a folder with a link that leads out, all the time.
func TestSwapped(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		outside := t.TempDir()
		check(t, os.WriteFile(filepath.Join(outside, "file"), []byte("outside"), 0o600))
		check(t, r.Mkdir("d", 0o755))
		write(t, r, "d/file", "inside")
		check(t, r.Symlink(outside, "link"))
		d, link := filepath.Join(r.Path(), "d"), filepath.Join(r.Path(), "link")
		stop := make(chan struct{})
		var wait sync.WaitGroup
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					unix.Renameat2(unix.AT_FDCWD, d, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
				}
			}
		})
		staged := stage(t, r, "new")
		for range 2000 {
			if f, err := r.Open("d/file"); err == nil {
				buf := make([]byte, 7)
				if n, _ := f.Read(buf); string(buf[:n]) != "inside" {
					t.Errorf("read %q", buf[:n])
				}
				f.Close()
			}
			if r.Place(staged, "d/new") == nil {
				staged = stage(t, r, "new")
			}
			r.Remove("d/new")
			if list, err := r.ReadDir("d"); err == nil && list[0].Size != int64(len("inside")) {
				t.Errorf("listed %v", list)
			}
		}
		close(stop)
		wait.Wait()
		if list, err := os.ReadDir(outside); err != nil || len(list) != 1 {
			t.Errorf("outside: %v, %v", list, err)
		}
	})
}

func TestQuiet(t *testing.T) {
	both(t, func(t *testing.T, r *Root) {
		write(t, r, "a", "text")
		quiet := func(wanted bool) {
			t.Helper()
			if quiet, known, err := r.Quiet("a"); err != nil || !known || quiet != wanted {
				t.Errorf("quiet %v, known %v, %v, want %v", quiet, known, err, wanted)
			}
		}
		quiet(true)
		path := filepath.Join(r.Path(), "a")
		reader, err := os.Open(path)
		check(t, err)
		defer reader.Close()
		quiet(true)
		writer, err := os.OpenFile(path, os.O_RDWR, 0)
		check(t, err)
		quiet(false)
		mapped, err := unix.Mmap(int(writer.Fd()), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		check(t, err)
		writer.Close()
		quiet(false)
		check(t, unix.Munmap(mapped))
		quiet(true)
		if f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0); err != nil {
			t.Errorf("the lease is still there: %v", err)
		} else {
			f.Close()
		}
		_, _, err = r.Quiet("none")
		want(t, "none", err, moot.NotFound)
	})
}

// TestHoles stages files of data and zeros in writes of any size, and compares content
// and the room that it takes.
func TestHoles(t *testing.T) {
	const holeSize = 4 << 10
	r := add(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		var content []byte
		data := int64(0) // blocks that must be stored
		for range 1 + rnd.IntN(12) {
			block := make([]byte, holeSize)
			if rnd.IntN(2) == 0 {
				block[rnd.IntN(len(block))] = 1
				data++
			}
			content = append(content, block...)
		}
		content = content[:len(content)-rnd.IntN(holeSize)]
		longest := 1 + rnd.IntN(3*holeSize)
		s, err := r.Stage()
		check(t, err)
		for rest := content; len(rest) > 0; {
			n := min(len(rest), 1+rnd.IntN(longest))
			if written, err := s.Write(rest[:n]); err != nil || written != n {
				t.Fatalf("wrote %d of %d, %v", written, n, err)
			}
			rest = rest[n:]
		}
		made, err := s.Finish(0o600, time.Now())
		check(t, err)
		if read(t, r, s.Path()) != string(content) || made.Size != int64(len(content)) {
			t.Fatalf("%d bytes in writes of up to %d: other content, size %d", len(content), longest, made.Size)
		}
		check(t, r.Sync([]string{s.Path()}))
		if got := stat(t, r, s.Path()).Allocated; got > (data+1)*holeSize {
			t.Errorf("%d bytes, %d blocks of them data: %d bytes on the disk", len(content), data, got)
		}
		check(t, r.Remove(s.Path()))
	}
}

// TestUnmask makes folders with exact permissions under a strict mask.
func TestUnmask(t *testing.T) {
	r := add(t)
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	check(t, r.Mkdir("d", 0o777))
	if got := stat(t, r, "d").Mode; got != 0o777 {
		t.Errorf("got %o", got)
	}
}
