// Hashsearch finds a proof of work for each file in its input folder: the smallest number
// such that SHA-256(SHA-256(content) ‖ number as 8 bytes, big endian) begins with the given
// number of zero bits.
//
//	moot run hashsearch.wasm --each seeds -- -bits 18
//
// Outside a sandbox, the variable IN names the input folder.
package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"math/bits"
	"os"
)

func main() {
	log.SetFlags(0)
	zeros := flag.Int("bits", 16, "zero `bits` at the beginning of the hash")
	flag.Parse()
	in := os.DirFS(cmp.Or(os.Getenv("IN"), "/in"))
	err := fs.WalkDir(in, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(in, path)
		if err != nil {
			return err
		}
		n, hash := search(content, *zeros)
		fmt.Printf("%s %d %x\n", path, n, hash)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

func search(content []byte, zeros int) (n uint64, hash [32]byte) {
	seed := sha256.Sum256(content) // the time does not depend on the length
	text := append(seed[:], make([]byte, 8)...)
	for ; ; n++ {
		binary.BigEndian.PutUint64(text[len(seed):], n)
		hash = sha256.Sum256(text)
		if bits.LeadingZeros32(binary.BigEndian.Uint32(hash[:])) >= zeros {
			return n, hash
		}
	}
}
