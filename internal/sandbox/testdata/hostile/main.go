// Hostile does what a sandbox must stop, and a few things that it must allow.
package main

import (
	"fmt"
	"io"
	"math/rand"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// renumber has the host's table of files grow to the number that it is given.
//
//go:wasmimport wasi_snapshot_preview1 fd_renumber
func renumber(from, to int32) uint32

func main() {
	modes := map[string]func(){
		"loop": func() {
			for i := 0; ; i++ {
				_ = i
			}
		},
		"memory": func() {
			debug.SetGCPercent(-1)
			var all [][]byte
			for {
				b := make([]byte, 1<<20)
				for i := 0; i < len(b); i += 4096 {
					b[i] = 1
				}
				all = append(all, b)
			}
		},
		"stdout": func() { flood(os.Stdout) },
		"stderr": func() { flood(os.Stderr) },
		"file":   func() { flood(must(os.Create("flood"))) },
		"pwrite": func() {
			_, err := must(os.Create("gap")).WriteAt([]byte("x"), 1<<40)
			end(err)
		},
		"truncate": func() { end(must(os.Create("gap")).Truncate(1 << 40)) },
		"files": func() {
			for i := 0; ; i++ {
				f, err := os.Create(fmt.Sprint("f", i))
				if err == nil {
					f.Close()
				}
			}
		},
		"folders": func() {
			for i := 0; ; i++ {
				os.Mkdir(fmt.Sprint("d", i), 0o700)
			}
		},
		"open": func() {
			var all []*os.File
			for {
				f, _ := os.Open("/in")
				all = append(all, f)
			}
		},
		"renumber":  func() { fmt.Println(renumber(int32(must(os.Open("/in/input")).Fd()), 0x7fffffff)) },
		"recursion": func() { fmt.Println(deep(0)) },
		"sleep":     func() { time.Sleep(time.Hour) },
		"chatter": func() {
			for {
				fmt.Println("and on")
				time.Sleep(time.Millisecond)
			}
		},
		"steps": func() {
			for i := range 50 {
				for range 1_000_000 {
					i ^= i << 1
				}
				fmt.Println(i)
			}
		},
		"empty": func() {
			for _, p := range []string{"/in", "/out", "/x/y"} { // the last one does not exist
				os.Remove(p)
				os.Rename(p, "/out/z")
				if info, err := os.Stat(p); err == nil && !info.IsDir() {
					fmt.Println(p, info.Mode())
				}
			}
			fmt.Println(must(os.ReadDir("/in")), must(os.ReadDir(".")), must(os.ReadDir("/out")))
		},
		"escape": escape,
		"look":   look,
		"work":   work,
		"exit":   func() { os.Exit(0xffffff) },
	}
	modes[os.Args[1]]()
}

func flood(f *os.File) {
	b := []byte(strings.Repeat("flood ", 10_000))
	for {
		f.Write(b) // whatever it says
	}
}

func deep(n int) int {
	var room [128]int
	room[n%128] = n
	return deep(n+1) + room[(n+1)%128]
}

func must[T any](v T, err error) T {
	end(err)
	return v
}

func end(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
}

// escape tries to see and make what is outside; it prints what it reached.
func escape() {
	for _, p := range []string{"/etc/passwd", "../etc/passwd", "/in/../../etc/passwd", "/in/../secret", "/in/link", "/in/linked/secret", "../../secret", "/out/../secret", "/proc/self/environ"} {
		if b, err := os.ReadFile(p); err == nil {
			fmt.Println("read", p, len(b))
		}
	}
	for _, p := range []string{"/in/new", "/new", "../new", "/out/../new", "/in/linked/new"} {
		if err := os.WriteFile(p, []byte("x"), 0o600); err == nil {
			fmt.Println("wrote", p)
		}
	}
	for what, err := range map[string]error{
		"symlink": os.Symlink("/etc/passwd", "/out/s"), "hard link": os.Link("/in/input", "/out/h"), "rename": os.Rename("/in/input", "/out/r"),
		"remove": os.Remove("/in/input"), "rename out": os.Rename("/out/mine", "/out/../mine"), "truncate": os.Truncate("/in/input", 0),
	} {
		if err == nil {
			fmt.Println("did", what)
		}
	}
	if _, err := os.Stat("/out/s"); err == nil {
		fmt.Println("followed a link")
	}
	fmt.Println(len(os.Environ()), "variables")
}

// look prints all that could differ from run to run.
func look() {
	fmt.Println(time.Now().UnixNano(), rand.Int63(), time.Since(time.Now()))
	for i := range map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true} {
		fmt.Print(i, " ")
	}
	for _, e := range must(os.ReadDir("/in")) {
		info := must(e.Info())
		fmt.Print(e.Name(), info.Size(), info.ModTime().Unix(), info.Mode(), " ")
	}
	time.Sleep(time.Millisecond)
	fmt.Println(time.Now().UnixNano())
}

// work does what ordinary programs do.
func work() {
	fmt.Println(os.Args[1:], os.Getenv("GREETING"))
	text := must(io.ReadAll(os.Stdin))
	in := must(os.ReadFile("/in/input"))
	end(os.MkdirAll("a/b", 0o755))
	end(os.WriteFile("a/b/c", append(in, text...), 0o644))
	f := must(os.OpenFile("a/b/c", os.O_APPEND|os.O_WRONLY, 0))
	must(f.WriteString("!more"))
	end(f.Truncate(int64(len(in) + len(text) + 3)))
	end(f.Close())
	end(os.Rename("a/b/c", "result"))
	end(os.RemoveAll("a"))
	f = must(os.Open("result"))
	must(f.Seek(-3, io.SeekEnd))
	fmt.Println(string(must(io.ReadAll(f))))
	os.Exit(7)
}
