// Thumbnail makes thumbnails of the PNG and JPEG files in its input folder.
//
//	moot run thumbnail.wasm --each photos --as thumbnails
//
// Outside a sandbox, the variables IN and OUT name the folders.
package main

import (
	"cmp"
	"image"
	"image/color"
	_ "image/jpeg"
	"image/png"
	"io/fs"
	"log"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const size = 128 // pixels of the longer side

func main() {
	log.SetFlags(0)
	in, out := os.DirFS(cmp.Or(os.Getenv("IN"), "/in")), cmp.Or(os.Getenv("OUT"), "/out")
	err := fs.WalkDir(in, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch strings.ToLower(path.Ext(name)) {
		case ".png", ".jpg", ".jpeg":
			return thumbnail(in, name, filepath.Join(out, path.Base(name)+".thumbnail.png"))
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

func thumbnail(in fs.FS, name, to string) error {
	f, err := in.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	picture, _, err := image.Decode(f)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := png.Encode(out, shrink(picture)); err != nil {
		return err
	}
	return out.Close()
}

// shrink scales a picture down by averaging pixels.
func shrink(p image.Image) image.Image {
	b := p.Bounds()
	longer := max(b.Dx(), b.Dy())
	if longer <= size {
		return p
	}
	small := image.NewNRGBA(image.Rect(0, 0, max(1, b.Dx()*size/longer), max(1, b.Dy()*size/longer)))
	w, h := small.Rect.Dx(), small.Rect.Dy()
	for y := range h {
		for x := range w {
			small.Set(x, y, average(p, image.Rect(b.Min.X+x*b.Dx()/w, b.Min.Y+y*b.Dy()/h, b.Min.X+(x+1)*b.Dx()/w, b.Min.Y+(y+1)*b.Dy()/h)))
		}
	}
	return small
}

func average(p image.Image, area image.Rectangle) color.Color {
	var r, g, b, a, n uint64
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			pr, pg, pb, pa := p.At(x, y).RGBA()
			r, g, b, a, n = r+uint64(pr), g+uint64(pg), b+uint64(pb), a+uint64(pa), n+1
		}
	}
	return color.RGBA64{uint16(r / n), uint16(g / n), uint16(b / n), uint16(a / n)}
}
