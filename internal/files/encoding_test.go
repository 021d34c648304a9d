package files

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// oldBody is what an entry of version 0.1.0 says of a file.
type oldBody struct {
	Blob    []byte `cbor:"0,keyasint"`
	Size    int64  `cbor:"1,keyasint"`
	Content int64  `cbor:"2,keyasint"`
	Mode    uint32 `cbor:"3,keyasint"`
	ModTime int64  `cbor:"4,keyasint"`
	Folder  bool   `cbor:"5,keyasint,omitempty"`
}

// OldBody encodes a file as version 0.1.0 did.
func OldBody(t testing.TB, f File) []byte {
	t.Helper()
	b, err := cbor.Marshal(oldBody{f.Blob.ID[:], f.Blob.Size, f.Content, uint32(f.Mode), f.ModTime.UnixNano(), f.Frozen})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEncodingOfVersion010 holds a manifest's record as version 0.1.0 encoded it.
func TestEncodingOfVersion010(t *testing.T) {
	body := OldBody(t, File{Blob: moot.Blob{ID: moot.BlobID{1}, Size: 500}, Content: 300, Mode: 0o644, ModTime: time.Unix(1, 5), Frozen: true})
	if hex.EncodeToString(body) != "a60058200100000000000000000000000000000000000000000000000000000000000000011901f40219012c031901a4041a3b9aca0505f5" {
		t.Errorf("an entry: %x", body)
	}
	record, err := cbor.Marshal(record{Kind: kindFile, Path: "a/b", Size: 3, ID: make([]byte, 32), Pack: make([]byte, 32)})
	if err != nil || hex.EncodeToString(record) != "890063612f6200000358200000000000000000000000000000000000000000000000000000000000000000582000000000000000000000000000000000000000000000000000000000000000000060" {
		t.Errorf("a record: %x, %v", record, err)
	}
}
