package sandbox

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// wasiCalls are those of WASI that the modules here import, with their parameters: i for
// i32, I for i64. All but the last return an i32.
var wasiCalls = []struct{ name, parameters string }{
	{"fd_write", "iiii"},
	{"fd_pwrite", "iiiIi"},
	{"fd_allocate", "iII"},
	{"fd_renumber", "ii"},
	{"path_open", "iiiiiIIii"},
	{"path_symlink", "iiiii"},
	{"poll_oneoff", "iiii"},
	{"random_get", "ii"},
	{"proc_exit", "i"},
}

func items(list ...[]byte) []byte {
	return append(number(nil, uint32(len(list))), slices.Concat(list...)...)
}

func name(s string) []byte { return append(number(nil, uint32(len(s))), s...) }

func signed(op byte, n int64) []byte {
	for b := []byte{op}; ; n >>= 7 {
		if n == n<<57>>57 { // the rest is the sign of the last seven bits
			return append(b, byte(n)&0x7f)
		}
		b = append(b, byte(n)|0x80)
	}
}

func i32(n int) []byte { return signed(0x41, int64(int32(n))) }
func i64(n int) []byte { return signed(0x42, int64(n)) }

// call calls a function of WASI with arguments, which are pushed first.
func call(name string, arguments ...[]byte) []byte {
	for i, f := range wasiCalls {
		if f.name == name {
			return append(slices.Concat(arguments...), 0x10, byte(i))
		}
	}
	panic(name)
}

var drop = []byte{0x1a}

// guest is a module that runs code, with locals, pages of memory, and data at address 0.
func guest(locals []byte, pages uint32, data string, code ...[]byte) []byte {
	kinds := [][]byte{{0x60, 0, 0}}
	var imports [][]byte
	for i, f := range wasiCalls {
		result := []byte{1, 0x7f}
		if i == len(wasiCalls)-1 {
			result = []byte{0}
		}
		parameters := name(strings.NewReplacer("i", "\x7f", "I", "\x7e").Replace(f.parameters))
		kinds = append(kinds, slices.Concat([]byte{0x60}, parameters, result))
		imports = append(imports, slices.Concat(name("wasi_snapshot_preview1"), name(f.name), []byte{0, byte(i + 1)}))
	}
	body := slices.Concat(locals, slices.Concat(code...), []byte{0x0b})
	main := byte(len(wasiCalls))
	return wasm(section(1, items(kinds...)...), section(2, items(imports...)...), section(3, 1, 0),
		section(5, append([]byte{1, 0}, number(nil, pages)...)...),
		section(7, items(slices.Concat(name("_start"), []byte{0, main}), slices.Concat(name("memory"), []byte{2, 0}))...),
		section(10, items(append(number(nil, uint32(len(body))), body...))...),
		section(11, items(slices.Concat([]byte{0}, i32(0), []byte{0x0b}, name(data)))...))
}

// words are numbers of 32 bits in memory.
func words(numbers ...uint32) string {
	var b []byte
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return string(b)
}

// TestCalls makes calls of WASI that would have a careless host take gigabytes, write
// where it must not, or lead outside. Each fails, or ends the module alone.
func TestCalls(t *testing.T) {
	for what, calls := range map[string][]byte{
		"renumber": slices.Concat(call("path_open", i32(3), i32(0), i32(16), i32(1), i32(1), i64(-1), i64(-1), i32(0), i32(32)), drop, call("fd_renumber", i32(6), i32(math.MaxInt32))),
		"poll":     call("poll_oneoff", i32(0), i32(0), i32(-1), i32(0)),
		"overflow": call("poll_oneoff", i32(0), i32(0), i32(1<<32/48+1), i32(0)),
		"random":   call("random_get", i32(0), i32(-1)),
		"symlink":  call("path_symlink", i32(0), i32(11), i32(3), i32(16), i32(1)),
		"absolute": call("path_open", i32(3), i32(1), i32(0), i32(11), i32(0), i64(2), i64(0), i32(0), i32(32)),
		"parent":   call("path_open", i32(3), i32(1), i32(20), i32(4), i32(0), i64(2), i64(0), i32(0), i32(32)),
	} {
		t.Run(what, func(t *testing.T) {
			b := newBox(t)
			b.out = filepath.Join(b.out, "out")
			if err := os.Mkdir(b.out, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(filepath.Dir(b.out), "x"), []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			code := guest([]byte{0}, 1, "/etc/passwd\x00\x00\x00\x00\x00l\x00\x00\x00../x", calls, call("proc_exit"))
			got := b.run(code, Run{Limits: Limits{Memory: 16 << 20, Wall: 10 * time.Second}})
			t.Logf("%v: exit %d, %v", got.took.Round(time.Millisecond), got.exit, got.err)
			if what == "renumber" { // where memory is not real before it is used, it may succeed
				return
			}
			if got.used.Files != 0 || got.used.Output != 0 {
				t.Errorf("%+v", got.used)
			}
			if got.err == nil && got.exit == 0 || got.err != nil && moot.KindOf(got.err) != moot.Failed {
				t.Errorf("exit %d, %v", got.exit, got.err)
			}
		})
	}
}

// TestBombs runs small modules that claim to be huge: each is refused, or its process ends,
// soon; a second run fails at once.
func TestBombs(t *testing.T) {
	b := newBox(t)
	claim := []byte{0xff, 0xff, 0xff, 0xff, 0x0f} // 4,294,967,295
	empty := func() []byte { return []byte{0x03, 0x40, 0x0b} }
	for what, code := range map[string][]byte{
		"types":   wasm(section(1, claim...)),
		"imports": wasm(types, section(2, claim...)),
		"globals": wasm(types, section(6, claim...)),
		"exports": wasm(types, section(7, claim...)),
		"code":    wasm(types, section(3, claim...), section(10, claim...)),
		"data":    wasm(types, section(11, claim...)),
		"locals":  guest(slices.Concat([]byte{1}, claim, []byte{0x7f}), 1, ""),
		"locals of a legal number": guest([]byte{1, 0xd0, 0x86, 0x03, 0x7f}, 1, "", // 50,000
			slices.Repeat(slices.Concat([]byte{0x41, 0, 0x04, 0x40}, []byte{0x41, 1, 0x21, 0, 0x0b}), 3000)),
		"loops": guest([]byte{0}, 1, "", slices.Repeat(empty(), 2_000)),
	} {
		t.Run(what, func(t *testing.T) {
			r := Run{Limits: Limits{Memory: 16 << 20, Wall: 10 * time.Second}}
			got := b.run(code, r)
			t.Logf("%v: exit %d, %v", got.took.Round(time.Millisecond), got.exit, got.err)
			if got.err == nil {
				return
			}
			if kind := moot.KindOf(got.err); kind != moot.Invalid && kind != moot.Failed || strings.Contains(got.err.Error(), "\n") {
				t.Errorf("%s: %v", kind, got.err)
			}
			if again := b.run(code, r); again.err == nil || again.err.Error() != got.err.Error() || again.took > time.Second {
				t.Errorf("again: %v after %v", again.err, again.took)
			}
		})
	}
}

// TestOneWrite: one write of all of a module's memory arrives in small pieces.
func TestOneWrite(t *testing.T) {
	b := newBox(t)
	const size = 64 << 20
	write := call("fd_write", i32(1), i32(0), i32(1), i32(16))
	code := guest([]byte{0}, size/pageSize, words(0, size), write, call("proc_exit"))
	var total, most int
	r := b.of(code)
	r.Stdout = writer(func(p []byte) { total, most = total+len(p), max(most, len(p)) })
	if exit, used, err := b.Run(t.Context(), r); err != nil || exit != 0 || total != size || used.Output != size || most > maxText {
		t.Errorf("exit %d, %v: %d bytes, at most %d at once", exit, err, total, most)
	}
}
