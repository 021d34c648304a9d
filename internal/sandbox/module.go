package sandbox

import (
	"fmt"
	"strings"

	"github.com/mootspace/moot"
)

const maxModule = 64 << 20 // bytes

// Sections of a module (WebAssembly Core Specification 2.0, 5.5.2).
const (
	sectionTable  = 4
	sectionMemory = 5
	sectionTag    = 13 // of the exception handling proposal, 5.5.17 in version 3.0
)

// outline is what a sandbox knows of a module before it runs.
type outline struct {
	memory     uint32 // pages with which it begins
	exceptions bool   // it can throw
}

// maxTable is how many elements a module's tables may have together.
const maxTable = 1 << 20

// inspect reads the outline of a module, and returns the module with tables that cannot
// grow beyond maxTable. Kind Invalid.
func inspect(code []byte) (bounded []byte, o outline, err error) {
	defer func() {
		if v := recover(); v == errCut {
			err = moot.Errorf(moot.Invalid, "the module is damaged or incomplete")
		} else if v != nil {
			panic(v)
		}
	}()
	if !strings.HasPrefix(string(code), "\x00asm") {
		return nil, o, moot.Errorf(moot.Invalid, "it is not a WebAssembly file")
	}
	if !strings.HasPrefix(string(code), "\x00asm\x01\x00\x00\x00") {
		return nil, o, moot.Errorf(moot.Invalid, "it is a WebAssembly component, not a module: compile it for WASI preview 1")
	}
	bounded = append(bounded, code[:8]...)
	in := &cursor{code[8:]}
	for len(in.rest) > 0 {
		id := in.byte()
		section := &cursor{in.take(in.number())}
		payload := section.rest
		switch id {
		case sectionTable:
			if payload, err = boundTables(section); err != nil {
				return nil, o, err
			}
		case sectionTag:
			o.exceptions = true
		case sectionMemory:
			for range min(section.number(), 1) {
				section.number() // flags
				o.memory = section.number()
			}
		}
		bounded = append(append(number(append(bounded, id), uint32(len(payload))), payload...), nil...)
	}
	return bounded, o, nil
}

// boundTables gives all tables a maximum.
func boundTables(in *cursor) (out []byte, err error) {
	n := in.number()
	out = number(out, n)
	left := uint32(maxTable)
	for range n {
		kind, flags, least := in.byte(), in.byte(), in.number()
		if kind != 0x70 && kind != 0x6f || flags > 1 {
			return nil, moot.Errorf(moot.Invalid, "the module has a table of a kind that is not supported")
		}
		most := uint32(maxTable)
		if flags == 1 {
			most = min(in.number(), maxTable)
		}
		if least > most || most > left && least > left {
			return nil, moot.Errorf(moot.Invalid, "the module's tables have more than %d elements", maxTable)
		}
		most = min(most, left)
		left -= most
		out = number(number(append(out, kind, 1), least), most)
	}
	if len(in.rest) > 0 {
		return nil, moot.Errorf(moot.Invalid, "the module is damaged: something follows its tables")
	}
	return out, nil
}

// cursor reads a module's bytes, and panics with errCut at their end.
type cursor struct{ rest []byte }

var errCut = fmt.Errorf("cut off")

func (c *cursor) take(n uint32) []byte {
	if uint64(n) > uint64(len(c.rest)) {
		panic(errCut)
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) byte() byte { return c.take(1)[0] }

// number reads an unsigned LEB128 number of at most 32 bits.
func (c *cursor) number() (n uint32) {
	for shift := 0; ; shift += 7 {
		b := c.byte()
		if shift > 28 || shift == 28 && b > 0x0f {
			panic(errCut)
		}
		n |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

// number appends n as LEB128.
func number(b []byte, n uint32) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
