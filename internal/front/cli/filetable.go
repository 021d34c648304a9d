package cli

import (
	"fmt"
	iofs "io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

// listing is how files are listed.
type listing struct {
	long  bool
	whole bool // names from the root, not only their last part
	held  map[moot.BlobID]app.Holding
}

// idDigits is how many digits of an ID are printed; moot get takes them.
const idDigits = 16

// listFiles prints files as a table or as JSON lines.
func (a *commandLine) listFiles(list []files.File, o listing, who names) {
	if a.json {
		for _, f := range list {
			a.print(o.listed(f))
		}
		return
	}
	rows := make([][]string, len(list))
	for i, f := range list {
		called := f.Name
		if !o.whole {
			called = path.Base(f.Name)
		}
		rows[i] = []string{display(called, f), size(f.Size()), by(who, f), signed(f), blobOf(f), o.note(f)}
		if o.long {
			rows[i] = []string{modeOf(f), size(f.Size()), by(who, f), signed(f), modified(f), versionOf(f), blobOf(f), o.copies(f), string(o.of(f).Now), display(called, f), note(f)}
		}
	}
	header := "NAME\tSIZE\tBY\tWHEN\tBLOB\t"
	if o.long {
		header = "MODE\tSIZE\tBY\tWHEN\tMODIFIED\tVERSION\tBLOB\tCOPIES\tNOW\tNAME\t"
	}
	a.table(header, rows)
}

// listed is a file as --json prints it.
type listed struct {
	files.File
	Copies *int             `json:"copies,omitempty"` // devices that are known to hold it
	Now    app.Availability `json:"now,omitempty"`
}

func (o listing) listed(f files.File) listed {
	h := o.of(f)
	l := listed{File: f, Now: h.Now}
	if o.long && o.copies(f) == strconv.Itoa(h.Copies) {
		l.Copies = &h.Copies
	}
	return l
}

// of returns who holds a file; the zero Holding of a folder or link.
func (o listing) of(f files.File) app.Holding {
	if !hasBytes(f) {
		return app.Holding{}
	}
	return o.held[f.Blob.ID]
}

// copies returns how many devices are known to hold a file; "?" if that is not known of any.
func (o listing) copies(f files.File) string {
	switch h := o.of(f); {
	case h.Now == "":
		return ""
	case h.Now == app.Unknown && h.Copies == 0:
		return "?"
	default:
		return strconv.Itoa(h.Copies)
	}
}

// note says what else is to be known of a file, also that it cannot be had now.
func (o listing) note(f files.File) string {
	text := note(f)
	if o.of(f).Now != app.NotAvailable {
		return text
	}
	return strings.TrimPrefix(text+", not available now", ", ")
}

// listVersions prints versions of names as a table or as JSON lines.
func (a *commandLine) listVersions(list []files.File, who names) {
	var rows [][]string
	for _, f := range list {
		if a.json {
			a.print(f)
			continue
		}
		bytes := size(f.Size())
		if f.Deleted {
			bytes = ""
		}
		rows = append(rows, []string{display(f.Name, f), bytes, by(who, f), signed(f), versionOf(f), blobOf(f), note(f)})
	}
	a.table("NAME\tSIZE\tBY\tWHEN\tVERSION\tBLOB\t", rows)
}

// display is what a file is called, so that one sees what it is.
func display(called string, f files.File) string {
	switch {
	case f.Folder:
		return name(called) + "/"
	case f.Link != "":
		return name(called) + " -> " + name(f.Link)
	}
	return name(called)
}

// modeOf returns permissions as ls(1) shows them.
func modeOf(f files.File) string {
	switch mode := f.Mode.Perm(); {
	case f.Folder:
		return (mode | iofs.ModeDir).String()
	case f.Link != "":
		return (mode | iofs.ModeSymlink).String()
	default:
		return mode.String()
	}
}

// by returns who wrote a file; "" for a folder that nobody made.
func by(who names, f files.File) string {
	if f.By.IsZero() && f.Author.IsZero() {
		return ""
	}
	return name(who.author(f))
}

func signed(f files.File) string {
	if f.Time == 0 {
		return ""
	}
	return when(f.Time)
}

func modified(f files.File) string {
	if f.ModTime.IsZero() {
		return ""
	}
	return f.ModTime.Local().Format("2006-01-02 15:04:05")
}

// blobOf returns the beginning of a blob's ID; "" for what is no blob.
func blobOf(f files.File) string {
	if f.Blob.ID == (moot.BlobID{}) {
		return ""
	}
	return f.Blob.ID.String()[:idDigits]
}

func versionOf(f files.File) string {
	if f.Version == (files.VersionID{}) {
		return ""
	}
	return f.Version.String()[:idDigits]
}

// count says how many files are in a folder.
func count(f files.File) string { return plural(f.Files, "file") }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// note says what else is to be known of a file.
func note(f files.File) string {
	var all []string
	for _, n := range []struct {
		so   bool
		word string
	}{
		{f.Folder && !f.Frozen, count(f)}, {f.Frozen, "frozen"}, {f.Deleted, "removed"}, {f.Copy, "conflict copy"}, {f.Conflict && !f.Copy, "CONFLICT"},
	} {
		if n.so {
			all = append(all, n.word)
		}
	}
	return strings.Join(all, ", ")
}
