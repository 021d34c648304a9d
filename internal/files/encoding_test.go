package files

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// TestEncodingOfVersion010 holds a file's entry and a manifest's record as version 0.1.0
// encoded them.
func TestEncodingOfVersion010(t *testing.T) {
	body, err := encodeBody(File{
		Blob: moot.Blob{ID: moot.BlobID{1}, Size: 500}, Content: 300, Mode: 0o644, ModTime: time.Unix(1, 5), Folder: true,
	})
	if err != nil || hex.EncodeToString(body) != "a60058200100000000000000000000000000000000000000000000000000000000000000011901f40219012c031901a4041a3b9aca0505f5" {
		t.Errorf("an entry: %x, %v", body, err)
	}
	record, err := cbor.Marshal(record{Kind: kindFile, Path: "a/b", Size: 3, ID: make([]byte, 32), Pack: make([]byte, 32)})
	if err != nil || hex.EncodeToString(record) != "890063612f6200000358200000000000000000000000000000000000000000000000000000000000000000582000000000000000000000000000000000000000000000000000000000000000000060" {
		t.Errorf("a record: %x, %v", record, err)
	}
}
