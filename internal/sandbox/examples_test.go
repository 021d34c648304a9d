package sandbox

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// example is a program of the examples, as both a process and a task run it.
type example struct {
	native string
	code   []byte
}

func buildExample(tb testing.TB, name string) example {
	tb.Helper()
	dir := tb.TempDir()
	compile := func(out string, env ...string) {
		c := exec.Command("go", "build", "-o", out, "github.com/mootspace/moot/examples/"+name)
		c.Env = append(os.Environ(), env...)
		if text, err := c.CombinedOutput(); err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
	}
	e := example{native: filepath.Join(dir, name+".exe")}
	compile(e.native)
	compile(filepath.Join(dir, name+".wasm"), "GOOS=wasip1", "GOARCH=wasm")
	var err error
	if e.code, err = os.ReadFile(filepath.Join(dir, name+".wasm")); err != nil {
		tb.Fatal(err)
	}
	return e
}

// process runs it natively.
func (e example) process(tb testing.TB, in, out string, args ...string) []byte {
	tb.Helper()
	c := exec.Command(e.native, args...)
	c.Env = []string{"IN=" + in, "OUT=" + out}
	text, err := c.Output()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// inputs are texts and pictures.
func inputs(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	save := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	save("a.txt", []byte(strings.Repeat("To be, or not to be: that is the question – élan.\n", 200)))
	save("b.txt", []byte("be 1\n"))
	random := rand.New(rand.NewPCG(1, 2))
	picture := image.NewNRGBA(image.Rect(0, 0, 400, 300))
	for y := range 300 {
		for x := range 400 {
			picture.Set(x, y, color.NRGBA{uint8(x), uint8(y), uint8(random.UintN(256)), uint8(200 + y%56)})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		tb.Fatal(err)
	}
	save("p.png", b.Bytes())
	b.Reset()
	if err := jpeg.Encode(&b, picture, nil); err != nil {
		tb.Fatal(err)
	}
	save("q.jpg", b.Bytes())
	return dir
}

// TestExamples: a program makes the same in the sandbox and as a process.
func TestExamples(t *testing.T) {
	in := inputs(t)
	for name, args := range map[string][]string{"wordcount": {"map"}, "thumbnail": nil, "hashsearch": {"-bits", "10"}} {
		t.Run(name, func(t *testing.T) {
			e, b := buildExample(t, name), newBox(t)
			b.in = in
			var stdout bytes.Buffer
			r := b.of(e.code)
			r.Name, r.Args, r.Stdout, r.Deterministic = name, args, &stdout, true
			if exit, _, err := b.Run(t.Context(), r); err != nil || exit != 0 {
				t.Fatal(exit, err)
			}
			out := t.TempDir()
			if want := e.process(t, in, out, args...); !bytes.Equal(want, stdout.Bytes()) {
				t.Errorf("wrote %.200q, natively %.200q", stdout.Bytes(), want)
			}
			if stdout.Len() == 0 && name != "thumbnail" {
				t.Error("nothing was written")
			}
			sameFiles(t, b.out, out, map[string]int{"thumbnail": 2}[name])
		})
	}
}

func sameFiles(t *testing.T, got, want string, n int) {
	t.Helper()
	list, err := os.ReadDir(want)
	if err != nil || len(list) != n {
		t.Fatalf("%d files, want %d: %v", len(list), n, err)
	}
	for _, e := range list {
		a, err := os.ReadFile(filepath.Join(want, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(got, e.Name()))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs: %v", e.Name(), err)
		}
	}
}

// BenchmarkExamples measures the overhead of the sandbox.
func BenchmarkExamples(b *testing.B) {
	in := inputs(b)
	for name, args := range map[string][]string{"wordcount": {"map"}, "thumbnail": nil, "hashsearch": {"-bits", "17"}} {
		e := buildExample(b, name)
		b.Run(name+"/native", func(b *testing.B) {
			for b.Loop() {
				e.process(b, in, b.TempDir(), args...)
			}
		})
		b.Run(name+"/sandbox", func(b *testing.B) {
			s, err := New(b.Context(), Config{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			run := func() {
				box := &box{Sandbox: s, in: in, out: b.TempDir()}
				r := box.of(e.code)
				r.Name, r.Args, r.Deterministic = name, args, true
				if exit, _, err := s.Run(b.Context(), r); err != nil || exit != 0 {
					b.Fatal(exit, err)
				}
			}
			run() // compiles
			for b.Loop() {
				run()
			}
		})
	}
}
