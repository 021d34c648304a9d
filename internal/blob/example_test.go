package blob_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// The ID of a blob is what b3sum prints for a file with the same bytes.
func ExampleHash() {
	b, err := blob.Hash(strings.NewReader("hello\n"))
	fmt.Println(b.ID, b.Size, err)
	// Output: 8e4c7c1b99dbfd50e7a95185fead5ee1448fa904a2fdd778eaf5f2dbfd629a99 6 <nil>
}

// A slice proves the bytes that it carries: a wrong one never leaves the Decoder.
func ExampleNewDecoder() {
	content := bytes.Repeat([]byte("0123456789abcdef"), 4096) // 64 KiB: four groups
	var tree bytes.Buffer
	h := blob.NewHasher(&tree)
	h.Write(content)
	b, _ := h.Sum()

	r := moot.Range{Offset: 40_000, Length: 10}
	var slice bytes.Buffer
	if err := blob.Encode(&slice, b, bytes.NewReader(content), bytes.NewReader(tree.Bytes()), r); err != nil {
		fmt.Println(err)
	}
	forged := bytes.Clone(slice.Bytes())
	forged[len(forged)-1] ^= 1

	got, err := io.ReadAll(blob.NewDecoder(&slice, b.ID, r))
	fmt.Printf("%s %v\n", got, err)
	got, err = io.ReadAll(blob.NewDecoder(bytes.NewReader(forged), b.ID, r))
	fmt.Printf("%q %v\n", got, moot.KindOf(err))
	// Output:
	// 0123456789 <nil>
	// "" corrupt
}
