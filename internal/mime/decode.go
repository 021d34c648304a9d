package mime

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// TransferReader decodes base64 and quoted-printable (RFC 2045, 6); other encodings are
// not changed. What is malformed is skipped in base64, and stays in quoted-printable.
func TransferReader(r io.Reader, encoding string) io.Reader {
	switch encoding {
	case "base64":
		return &base64Reader{r: r}
	case "quoted-printable":
		return &quotedReader{r: bufio.NewReader(r)}
	}
	return r
}

// base64Reader decodes base64 with any padding, and with other bytes in it.
type base64Reader struct {
	r    io.Reader
	in   [4 << 10]byte
	out  []byte // decoded, not read yet
	buf  []byte
	bits uint32
	n    int // characters in bits
	err  error
}

func (d *base64Reader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		n, err := d.r.Read(d.in[:])
		d.buf, d.err = d.buf[:0], err
		for _, c := range d.in[:n] {
			d.take(c)
		}
		if err == io.EOF {
			d.flush()
		}
		d.out = d.buf
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

func (d *base64Reader) take(c byte) {
	v := sextet(c)
	switch {
	case c == '=':
		d.flush()
	case v >= 0:
		d.bits = d.bits<<6 | uint32(v)
		if d.n++; d.n == 4 {
			d.buf = append(d.buf, byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
			d.n, d.bits = 0, 0
		}
	}
}

// flush ends a group of fewer than four characters.
func (d *base64Reader) flush() {
	switch d.n {
	case 2:
		d.buf = append(d.buf, byte(d.bits>>4))
	case 3:
		d.buf = append(d.buf, byte(d.bits>>10), byte(d.bits>>2))
	}
	d.n, d.bits = 0, 0
}

// sextet returns the value of a character of base64; -1 if it is none.
func sextet(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

// quotedReader decodes quoted-printable line by line.
type quotedReader struct {
	r    *bufio.Reader
	held []byte // end of a fragment that may be the begin of a sequence
	out  []byte
	buf  []byte
	err  error
}

func (d *quotedReader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		line, err := d.r.ReadSlice('\n')
		fragment := errors.Is(err, bufio.ErrBufferFull)
		if !fragment {
			d.err = err
		}
		d.buf = d.buf[:0]
		d.line(append(d.held, line...), fragment)
		d.out = d.buf
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

func (d *quotedReader) line(line []byte, fragment bool) {
	d.held = nil
	if fragment {
		if i := bytes.LastIndexByte(line, '='); i >= 0 && i >= len(line)-2 {
			d.held = bytes.Clone(line[i:])
			line = line[:i]
		}
		d.text(line)
		return
	}
	ending := line[len(line)-lineEnd(line):]
	text := bytes.TrimRight(line[:len(line)-len(ending)], " \t")
	if soft, ok := bytes.CutSuffix(text, []byte("=")); ok { // RFC 2045, 6.7 (5)
		d.text(soft)
		return
	}
	d.text(text)
	d.buf = append(d.buf, ending...)
}

func (d *quotedReader) text(s []byte) {
	for i := 0; i < len(s); i++ {
		if s[i] == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			d.buf = append(d.buf, fromHex(s[i+1])<<4|fromHex(s[i+2]))
			i += 2
		} else {
			d.buf = append(d.buf, s[i])
		}
	}
}
