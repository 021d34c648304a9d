package tree

import (
	"io/fs"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// legacyBody is the body of an entry of version 0.1.0. An empty one removes the name.
type legacyBody struct {
	Blob    []byte `cbor:"0,keyasint"`
	Size    int64  `cbor:"1,keyasint"` // of the blob
	Content int64  `cbor:"2,keyasint"` // of the file or folder
	Mode    uint32 `cbor:"3,keyasint"` // permission bits
	ModTime int64  `cbor:"4,keyasint"` // ns since 1970
	Folder  bool   `cbor:"5,keyasint,omitempty"`
}

var legacyDecoder = cbor.NewDecoder(cbor.Limits{})

// legacy is what an entry of version 0.1.0 states of the file that its key names.
type legacy struct {
	folders []string
	name    string
	stated  bool // a content
	Content
	mode fs.FileMode
}

// decodeLegacy reads an entry of version 0.1.0. The error is of kind Invalid.
func decodeLegacy(e *moot.Entry) (l legacy, err error) {
	if e.Key == "" {
		return l, nameError(e.Key, "it is empty")
	}
	if err := CheckPath(e.Key); err != nil {
		return l, err
	}
	names := strings.Split(strings.Clone(e.Key), "/")
	l.folders, l.name = names[:len(names)-1], names[len(names)-1]
	if e.Deletes() || e.Body == nil { // dropped, because something replaced it
		return l, nil
	}
	var b legacyBody
	if err := legacyDecoder.Unmarshal(e.Body, &b); err != nil {
		return l, moot.Errorf(moot.Invalid, "%s: not a file's entry: %w", e.Key, err)
	}
	if len(b.Blob) != len(moot.BlobID{}) || b.Size < 0 || b.Content < 0 {
		return l, moot.Errorf(moot.Invalid, "%s: not a file's entry", e.Key)
	}
	l.stated, l.mode = true, fs.FileMode(b.Mode).Perm()
	l.Content = Content{Blob: moot.Blob{ID: moot.BlobID(b.Blob), Size: b.Size}, Manifest: b.Folder, ModTime: time.Unix(0, b.ModTime).UTC()}
	if b.Folder {
		l.Total = b.Content
	}
	return l, nil
}

// applyLegacy takes in an entry of version 0.1.0: its names are items without a nonce.
func (t *Tree) applyLegacy(e *moot.Entry) error {
	l, err := decodeLegacy(e)
	if err != nil {
		return err
	}
	src := t.source(e, 1)
	at := t.root
	for _, name := range l.folders {
		at = t.bear(at, Folder, name, Nonce{}, e.Time)
	}
	n := t.bear(at, File, l.name, Nonce{}, e.Time)
	by := stamp{src, 0}
	if l.stated {
		t.state(n, by, l.Content, l.mode)
	} else if e.Deletes() {
		n.history().removals = append(n.history().removals, by)
	}
	for _, id := range e.Replaces {
		t.end(n, Version{Entry: id}, by, e.Deletes())
	}
	t.resolve(src)
	return nil
}
