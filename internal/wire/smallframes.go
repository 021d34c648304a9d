package wire

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/mootspace/moot"
)

// Small blobs travel whole and many at a time. A list of blobs is their IDs, 32 bytes
// each. Blobs are frames of numbers as unsigned varints and bytes; an index counts in the
// list that was asked for:
//
//	fetched: index size bytes
//	stored:  size bytes

// readIDs reads a list of at most moot.MaxMany IDs to its end. Kinds: TooLarge, Invalid.
func readIDs(r io.Reader) ([]moot.BlobID, error) {
	const size = len(moot.BlobID{})
	text, err := readAll(r, moot.MaxMany*int64(size))
	if err != nil {
		return nil, asRequestError(err)
	}
	if len(text)%size != 0 {
		return nil, moot.Errorf(moot.Invalid, "a list of blobs has %d bytes: want 32 for each", len(text))
	}
	ids := make([]moot.BlobID, len(text)/size)
	for i := range ids {
		ids[i] = moot.BlobID(text[i*size:])
	}
	return ids, nil
}

// listOf is what readIDs reads.
func listOf(ids []moot.BlobID) []byte {
	list := make([]byte, 0, len(ids)*len(moot.BlobID{}))
	for _, id := range ids {
		list = append(list, id[:]...)
	}
	return list
}

// readSmall reads size and bytes of a blob, and no more than moot.MaxSmall of them. The
// error is io.ErrUnexpectedEOF if they break off, and io.EOF before them.
func readSmall(in *bufio.Reader) ([]byte, error) {
	size, err := readNumber(in)
	if err != nil {
		return nil, err
	}
	if size > moot.MaxSmall {
		return nil, moot.Errorf(moot.TooLarge, "a blob of %d bytes among small ones: at most %d", size, moot.MaxSmall)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, unexpected(err)
	}
	return data, nil
}

// readNumber reads a varint. The error is io.EOF before its first byte, and of kind Invalid
// if it is longer than that of any index or size.
func readNumber(in *bufio.Reader) (n uint64, err error) {
	for shift := 0; shift < 28; shift += 7 {
		c, err := in.ReadByte()
		if err != nil && shift > 0 {
			err = unexpected(err)
		}
		if err != nil {
			return 0, err
		}
		if n |= uint64(c&0x7f) << shift; c < 0x80 {
			return n, nil
		}
	}
	return 0, moot.Errorf(moot.Invalid, "a number is too long")
}

// unexpected makes an end in the middle an error of its own.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// smallReader is the body that stores blobs: their frames, made as they are read.
type smallReader struct {
	contents [][]byte // those whose frames are not begun
	head     []byte   // of the current frame, not read yet
	data     []byte   // of the current frame, not read yet
}

func (s *smallReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case len(s.head) > 0:
			c := copy(p[n:], s.head)
			s.head, n = s.head[c:], n+c
		case len(s.data) > 0:
			c := copy(p[n:], s.data)
			s.data, n = s.data[c:], n+c
		case len(s.contents) > 0:
			s.data, s.contents = s.contents[0], s.contents[1:]
			s.head = binary.AppendUvarint(s.head[:0], uint64(len(s.data)))
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
	return n, nil
}
