package cli

import (
	"io"
	"os"
	"path/filepath"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// bar shows the progress of one long operation on a terminal; elsewhere nothing.
type bar struct {
	pool *mpb.Progress
	bar  *mpb.Bar
}

func (a *commandLine) progress(what, path string) *bar {
	if a.json || !isTerminal(a.err) {
		return &bar{}
	}
	pool := mpb.New(mpb.WithOutput(a.err), mpb.WithWidth(48))
	b := pool.AddBar(0,
		mpb.PrependDecorators(decor.Name(what+" "+name(filepath.Base(path))+" ")),
		mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f "), decor.AverageETA(decor.ET_STYLE_MMSS)))
	return &bar{pool, b}
}

func (b *bar) update(done, total int64) {
	if b.bar != nil {
		b.bar.SetTotal(total, false)
		b.bar.SetCurrent(done)
	}
}

func (b *bar) done(err error) {
	if b.bar == nil {
		return
	}
	if err != nil {
		b.bar.Abort(true)
	} else {
		b.bar.SetTotal(-1, true)
	}
	b.pool.Wait()
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
