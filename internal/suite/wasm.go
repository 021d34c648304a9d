package suite

import (
	"slices"
	"time"
)

// Outputs of the program that jobs run.
const (
	stderrText = "hi\n"
	stdoutSize = 120_000 // bytes, too many to be attached to an outcome
)

// program returns a WASI module that sleeps – if its task is live –, writes stderrText to
// standard error, and stdoutSize zeros to standard output.
func program(sleep time.Duration) []byte {
	const ioText, ioZeros, text, clock, event, written, zeros = 0, 8, 16, 24, 128, 192, 1024
	memory := make([]byte, clock+48)
	put := func(at int, n uint64, size int) {
		for i := range size {
			memory[at+i] = byte(n >> (8 * i))
		}
	}
	put(ioText, text, 4)
	put(ioText+4, uint64(len(stderrText)), 4)
	put(ioZeros, zeros, 4)
	put(ioZeros+4, stdoutSize, 4)
	copy(memory[text:], stderrText)
	put(clock+16, 1, 4) // subscription to the monotonic clock
	put(clock+24, uint64(sleep), 8)

	call := func(function byte, args ...int) (code []byte) {
		for _, a := range args {
			code = append(code, 0x41)
			code = append(code, signed(a)...)
		}
		return append(code, 0x10, function, 0x1a)
	}
	code := slices.Concat([]byte{0}, call(1, clock, event, 1, written), call(0, 2, ioText, 1, written), call(0, 1, ioZeros, 1, written), []byte{0x0b})
	imported := func(name string) []byte {
		const module = "wasi_snapshot_preview1"
		return slices.Concat([]byte{byte(len(module))}, []byte(module), []byte{byte(len(name))}, []byte(name), []byte{0, 0})
	}
	section := func(id byte, parts ...[]byte) []byte {
		body := slices.Concat(parts...)
		return slices.Concat([]byte{id}, unsigned(len(body)), body)
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte("\x02\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\x00\x00")), // types
		section(2, []byte{2}, imported("fd_write"), imported("poll_oneoff")),
		section(3, []byte{1, 1}),    // a function of the second type
		section(5, []byte{1, 0, 2}), // memory of 2 pages
		section(7, []byte("\x02\x06memory\x02\x00\x06_start\x00\x02")),
		section(10, []byte{1}, unsigned(len(code)), code),
		section(11, []byte{1, 0, 0x41, 0, 0x0b}, unsigned(len(memory)), memory),
	)
}

// unsigned encodes in LEB128.
func unsigned(n int) (b []byte) {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// signed encodes what is not negative in signed LEB128.
func signed(n int) (b []byte) {
	for n >= 0x40 {
		b = append(b, byte(n&0x7f)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}
