package backup

import (
	"crypto/ed25519"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
)

// List names all that one backup consists of.
type List struct {
	Version int           `json:"version"`
	Time    time.Time     `json:"time"`
	Device  moot.Key      `json:"device"` // that made and signed it
	Files   []File        `json:"files"`
	Parts   []moot.Blob   `json:"parts"` // packs of parts of files
	Blobs   []moot.Blob   `json:"blobs"` // of more than moot.MaxSmall bytes
	Packs   []moot.Blob   `json:"packs"` // of small blobs; former backups may have named others in them
	Unread  []moot.BlobID `json:"unread,omitempty"`
	Count   int64         `json:"count"` // of blobs
	Size    int64         `json:"size"`  // bytes of all blobs and files
}

// Bytes returns how many bytes the list names, with what only former backups need of a pack.
func (l List) Bytes() (n int64) {
	for _, list := range [][]moot.Blob{l.Parts, l.Packs, l.Blobs} {
		for _, b := range list {
			n += b.Size
		}
	}
	return n
}

// File is a file of the home.
type File struct {
	Name  string        `json:"name"` // path with slashes
	Size  int64         `json:"size"`
	Parts []moot.BlobID `json:"parts"` // of moot.MaxSmall bytes each, but for the last
}

const (
	version     = 1
	maxList     = 1 << 30 // bytes
	listContext = "moot backup list 1\x00"
	// layout of a list's name, which orders as the times do.
	layout = "2006-01-02T15-04-05.000000000Z"
)

type signedList struct {
	List      json.RawMessage `json:"list"`
	Signature []byte          `json:"signature"`
}

func encodeList(l List, key ed25519.PrivateKey) ([]byte, error) {
	body, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return json.Marshal(signedList{body, ed25519.Sign(key, append([]byte(listContext), body...))})
}

func decodeList(text []byte) (l List, err error) {
	var s signedList
	if err := json.Unmarshal(text, &s); err != nil {
		return l, moot.Errorf(moot.Corrupt, "the list is damaged: %w", err)
	}
	if err := json.Unmarshal(s.List, &l); err != nil {
		return l, moot.Errorf(moot.Corrupt, "the list is damaged: %w", err)
	}
	if !ed25519.Verify(l.Device[:], append([]byte(listContext), s.List...), s.Signature) {
		return l, moot.Errorf(moot.Corrupt, "the list's signature is wrong")
	}
	if l.Version != version {
		return l, moot.Errorf(moot.Invalid, "the backup was made by another version of moot")
	}
	return l, nil
}

func listPath(dir, name string) string { return filepath.Join(dir, listsFolder, name+".json") }

// Lists returns the names of a backup's lists, the newest last.
func Lists(dir string) ([]string, error) {
	found, err := os.ReadDir(filepath.Join(dir, listsFolder))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range found {
		if name, ok := strings.CutSuffix(f.Name(), ".json"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Find returns the name of the newest list that is not younger than a time. Kind NotFound.
func Find(dir string, at time.Time) (string, error) {
	names, err := Lists(dir)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Backward(names) {
		if made, err := time.Parse(layout, name); err == nil && !made.After(at) {
			return name, nil
		}
	}
	if len(names) == 0 {
		return "", moot.Errorf(moot.NotFound, "there is no backup in %s", dir)
	}
	return "", moot.Errorf(moot.NotFound, "there is no backup of %s or before", at.Format(time.DateTime))
}

// Open reads a list and verifies its signature. Kinds: Corrupt, Invalid, NotFound.
func Open(dir, name string) (l List, err error) {
	path := listPath(dir, name)
	f, err := openFile(path)
	if err != nil {
		return l, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxList+1))
	if err != nil {
		return l, err
	}
	if len(text) > maxList {
		return l, moot.Errorf(moot.TooLarge, "the list %s is too large", name)
	}
	l, err = decodeList(text)
	return l, moot.Wrap("list "+name, err)
}
