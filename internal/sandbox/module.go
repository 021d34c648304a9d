package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/mootspace/moot"
)

const (
	maxModule = 64 << 20 // bytes
	keptCode  = 16       // compiled modules that are kept though nobody uses them
)

// modules are those that were compiled, the last used last.
type modules struct {
	mu    sync.Mutex
	known map[moot.BlobID]*module
	order []moot.BlobID
}

// module is a compiled module.
type module struct {
	owner    *modules
	id       moot.BlobID
	ready    chan struct{}
	compiled wazero.CompiledModule
	memory   uint32 // pages that it has from the beginning
	err      error
	users    int
}

// module returns a module, which it compiles if it must. The caller must release it.
func (s *Sandbox) module(ctx context.Context, r Run) (*module, error) {
	m, first := s.modules.take(r.Module)
	if first {
		m.compiled, m.memory, m.err = s.compile(ctx, r)
		if m.err != nil {
			s.modules.forget(m)
		}
		close(m.ready)
	}
	select {
	case <-m.ready:
	case <-ctx.Done():
		m.release()
		return nil, ctx.Err()
	}
	if m.err != nil {
		m.release()
		return nil, m.err
	}
	return m, nil
}

// take returns a module, and whether the caller is to compile it.
func (ms *modules) take(id moot.BlobID) (m *module, first bool) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m = ms.known[id]
	if m == nil {
		if ms.known == nil {
			ms.known = map[moot.BlobID]*module{}
		}
		m, first = &module{owner: ms, id: id, ready: make(chan struct{})}, true
		ms.known[id] = m
	}
	m.users++
	ms.order = append(slices.DeleteFunc(ms.order, func(o moot.BlobID) bool { return o == id }), id)
	return m, first
}

func (ms *modules) forget(m *module) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	delete(ms.known, m.id)
	ms.order = slices.DeleteFunc(ms.order, func(o moot.BlobID) bool { return o == m.id })
}

// release ends the use of a module. Of those that nobody uses the last ones are kept.
func (m *module) release() {
	ms := m.owner
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m.users--
	for i := 0; len(ms.order) > keptCode && i < len(ms.order); {
		old := ms.known[ms.order[i]]
		if old.users > 0 {
			i++
			continue
		}
		delete(ms.known, old.id)
		ms.order = slices.Delete(ms.order, i, i+1)
		_ = old.compiled.Close(context.Background()) // only releases memory
	}
}

// compile reads, checks and compiles a module. Kind Invalid.
func (s *Sandbox) compile(ctx context.Context, r Run) (c wazero.CompiledModule, memory uint32, err error) {
	in, err := r.Code(ctx)
	if err != nil {
		return nil, 0, moot.Wrap("the module", err)
	}
	code, err := io.ReadAll(io.LimitReader(in, maxModule+1))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, 0, moot.Wrap("the module", err)
	}
	if len(code) > maxModule {
		return nil, 0, moot.Errorf(moot.TooLarge, "the module is larger than %s", amount(maxModule))
	}
	code, memory, err = inspect(code)
	if err != nil {
		return nil, 0, err
	}
	c, err = s.runtime.CompileModule(ctx, code)
	if err != nil {
		return nil, 0, moot.Errorf(moot.Invalid, "not a module that can be run: %w", err)
	}
	if err := s.linkable(c); err != nil {
		return nil, 0, errors.Join(err, c.Close(ctx))
	}
	return c, memory, nil
}

// linkable reports what a module wants that there is not.
func (s *Sandbox) linkable(c wazero.CompiledModule) error {
	const system = "wasi_snapshot_preview1"
	offered := s.runtime.Module(system).ExportedFunctionDefinitions()
	var missing []string
	for _, f := range c.ImportedFunctions() {
		from, name, _ := f.Import()
		if offered[name] == nil || from != system {
			missing = append(missing, from+"."+name)
		}
	}
	if len(missing) > 0 {
		more := ""
		if len(missing) > 5 {
			missing, more = missing[:5], " …"
		}
		return moot.Errorf(moot.Invalid, "the module wants functions that WASI preview 1 does not have: %.400s%s", strings.Join(missing, ", "), more)
	}
	if len(c.ImportedMemories()) > 0 {
		return moot.Errorf(moot.Invalid, "the module wants memory from outside, as no program does")
	}
	if c.ExportedFunctions()["_start"] == nil {
		return moot.Errorf(moot.Invalid, "the module is a library and no program: it has no function _start")
	}
	return nil
}

// Sections of a module (WebAssembly Core Specification 2.0, 5.5.2).
const (
	sectionTable  = 4
	sectionMemory = 5
)

// maxTable is how many elements a module's tables may have together.
const maxTable = 1 << 20

// inspect reads the outline of a module, and returns the module with tables that cannot
// grow beyond maxTable, and the pages of memory with which it begins. Kind Invalid.
func inspect(code []byte) (bounded []byte, memory uint32, err error) {
	defer func() {
		if v := recover(); v == errCut {
			err = moot.Errorf(moot.Invalid, "the module is damaged or incomplete")
		} else if v != nil {
			panic(v)
		}
	}()
	if !strings.HasPrefix(string(code), "\x00asm") {
		return nil, 0, moot.Errorf(moot.Invalid, "it is not a WebAssembly file")
	}
	if !strings.HasPrefix(string(code), "\x00asm\x01\x00\x00\x00") {
		return nil, 0, moot.Errorf(moot.Invalid, "it is a WebAssembly component, not a module: compile it for WASI preview 1")
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
				return nil, 0, err
			}
		case sectionMemory:
			for range min(section.number(), 1) {
				section.number() // flags
				memory = section.number()
			}
		}
		bounded = append(append(number(append(bounded, id), uint32(len(payload))), payload...), nil...)
	}
	return bounded, memory, nil
}

// boundTables gives all tables a maximum.
func boundTables(in *cursor) (out []byte, err error) {
	n := in.number()
	out = number(out, n)
	room := uint32(maxTable)
	for range n {
		kind, flags, least := in.byte(), in.byte(), in.number()
		if kind != 0x70 && kind != 0x6f || flags > 1 {
			return nil, moot.Errorf(moot.Invalid, "the module has a table of a kind that is not supported")
		}
		most := uint32(maxTable)
		if flags == 1 {
			most = min(in.number(), maxTable)
		}
		if least > most || most > room && least > room {
			return nil, moot.Errorf(moot.Invalid, "the module's tables have more than %d elements", maxTable)
		}
		most = min(most, room)
		room -= most
		out = number(number(append(out, kind, 1), least), most)
	}
	if len(in.rest) > 0 {
		return nil, moot.Errorf(moot.Invalid, "the module is damaged: something follows its tables")
	}
	return out, nil
}

// cursor reads a module's bytes; it panics with errCut at their end.
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
