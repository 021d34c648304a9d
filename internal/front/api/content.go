package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

type openFile struct {
	Name    string `path:"name" doc:"A name, whose slashes may stay as they are, or an ID or 8 or more digits with which just one begins."`
	Range   string `header:"Range" doc:"As bytes=0-99 (RFC 9110, 14.2)."`
	IfRange string `header:"If-Range" doc:"The ETag that Range is about."`
}

var openFileOp = op[openFile, none]{at: "GET /api/files/{name...}", does: "A file's bytes, or a range of them", may: reads, gives: "*/*", ranged: true}

func (s *server) addContent() { openFileOp.raw(s, sendFile) }

// sendFile answers with a file's bytes. Anybody in the space can have written them, so
// that a browser must not run them as a page of this origin.
func sendFile(m *app.Session, in openFile, w http.ResponseWriter, r *http.Request) error {
	f, err := m.Files.Lookup(r.Context(), in.Name)
	if err == nil && f.Folder {
		err = moot.Errorf(moot.Invalid, "%s is a folder: it cannot be read as one file", in.Name)
	}
	if err == nil && f.Link != "" {
		err = moot.Errorf(moot.Invalid, "%s is a symbolic link: it has no bytes", in.Name)
	}
	if err != nil {
		return err
	}
	etag, wanted := `"`+f.Blob.ID.String()+`"`, in.Range
	if strings.Count(wanted, ",") >= maxRanges { // a caller with so many means the whole (RFC 9110, 14.2)
		wanted = ""
		r.Header.Del("Range")
	}
	if in.IfRange != "" && in.IfRange != etag {
		wanted = "" // http.ServeContent decides
	}
	w.Header().Set("ETag", etag)
	c := &content{ctx: r.Context, files: m.Files, name: in.Name, file: f, ends: rangeEnds(wanted)}
	defer c.close()
	if beyond(wanted, f.Blob.Size) {
		return notSatisfiable(w, f.Blob.Size)
	}
	if r.Method == http.MethodGet {
		if err := c.prime(rangeStart(wanted)); err != nil {
			w.Header().Del("ETag")
			return err
		}
	}
	mediaType := mime.TypeByExtension(path.Ext(f.Name))
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "no-cache") // valid as long as the ETag is
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(f.Name)}))
	http.ServeContent(w, r, "", f.ModTime, c)
	return nil
}

// notSatisfiable answers that a range lies behind the end (RFC 9110, 15.5.17).
func notSatisfiable(w http.ResponseWriter, size int64) error {
	const status = http.StatusRequestedRangeNotSatisfiable
	body, err := json.Marshal(problem{Title: http.StatusText(status), Status: status, Kind: moot.Invalid,
		Detail: fmt.Sprintf("the range lies behind the end: the file has %d bytes", size)})
	w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the caller is gone
	return err
}

// content is a file as http.ServeContent reads it: opened where it is read.
type content struct {
	ctx   func() context.Context
	files app.Files
	name  string // that was asked for
	file  files.File
	ends  map[int64]int64 // where ranges end, by where they begin; others go to the file's end
	next  int64           // offset of the next read
	at    int64           // offset of open, less what was read ahead
	open  io.ReadCloser
	first []byte // read ahead
}

// prime reads the first bytes at an offset, so that a failure can be answered as one.
func (c *content) prime(at int64) error {
	size := c.file.Blob.Size
	if at < 0 {
		at = max(0, size+at)
	}
	if at >= size {
		return nil
	}
	c.next = at
	buf := make([]byte, min(4096, size-at))
	n, err := io.ReadAtLeast(c, buf, 1)
	c.next, c.at, c.first = at, at, buf[:n]
	return err
}

func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.next
	case io.SeekEnd:
		offset += c.file.Blob.Size
	}
	if offset < 0 {
		return 0, errors.New("the offset is negative")
	}
	c.next = offset
	return offset, nil
}

func (c *content) Read(p []byte) (n int, err error) {
	if c.next != c.at {
		c.close()
		c.at = c.next
	}
	defer func() { c.at += int64(n); c.next = c.at }()
	if len(c.first) > 0 {
		n = copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	if c.open == nil {
		r := moot.Range{Offset: c.at, Length: -1}
		if end := c.ends[c.at]; end > c.at {
			r.Length = end - c.at
		}
		if c.open, err = c.opened(r); err != nil {
			return 0, err
		}
	}
	return c.open.Read(p)
}

// opened opens a range of the version that is sent: by its name, because a part of a
// frozen folder may have no blob of its own, or by its ID if the name has another now.
func (c *content) opened(r moot.Range) (io.ReadCloser, error) {
	rc, b, err := c.files.Open(c.ctx(), c.name, r)
	if err == nil && b.ID != c.file.Blob.ID {
		rc.Close()
		rc, _, err = c.files.Open(c.ctx(), c.file.Blob.ID.String(), r)
	}
	return rc, err
}

func (c *content) close() {
	if c.open != nil {
		c.open.Close()
	}
	c.open, c.first = nil, nil
}

// rangeStart returns the first offset of a Range header; negative: from the end; 0 if it
// has none.
func rangeStart(header string) int64 {
	first, _, _ := strings.Cut(strings.TrimPrefix(header, "bytes="), ",")
	from, last, _ := strings.Cut(first, "-")
	if n, err := strconv.ParseInt(from, 10, 64); err == nil {
		return n
	}
	n, _ := strconv.ParseInt(last, 10, 64) // what is no number is answered by http.ServeContent
	return -n
}

// beyond reports whether a single range lies behind the end of a file.
func beyond(header string, size int64) bool {
	start := rangeStart(header)
	return header != "" && !strings.Contains(header, ",") && (start > 0 && start >= size || size == 0)
}

// maxRanges is how many ranges of a file one request may ask for.
const maxRanges = 16

// rangeEnds returns the offsets after the ranges of a header, by where they begin, so
// that no more than a range is fetched.
func rangeEnds(header string) map[int64]int64 {
	ends := map[int64]int64{}
	for part := range strings.SplitSeq(strings.TrimPrefix(header, "bytes="), ",") {
		first, last, _ := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.ParseInt(first, 10, 64)
		to, lastErr := strconv.ParseInt(last, 10, 64)
		if err == nil && lastErr == nil && to >= from {
			ends[from] = max(ends[from], to+1)
		}
	}
	return ends
}

// Open implements app.Files.
func (c filesClient) Open(ctx context.Context, name string, r moot.Range) (io.ReadCloser, moot.Blob, error) {
	in := openFile{Name: name}
	switch {
	case r.Length > 0:
		in.Range = "bytes=" + strconv.FormatInt(r.Offset, 10) + "-" + strconv.FormatInt(r.Offset+r.Length-1, 10)
	case r.Length == 0:
		in.Range = "bytes=0-0"
	case r.Offset > 0:
		in.Range = "bytes=" + strconv.FormatInt(r.Offset, 10) + "-"
	}
	resp, err := openFileOp.send(ctx, c.client, in, nil)
	if err != nil {
		return nil, moot.Blob{}, err
	}
	if resp.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		if resp, err = success(resp); err != nil {
			return nil, moot.Blob{}, err
		}
	}
	b, err := blobOf(resp)
	if err != nil {
		resp.Body.Close()
		return nil, b, err
	}
	if r.Length == 0 || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable { // nothing lies in the range
		resp.Body.Close()
		return io.NopCloser(strings.NewReader("")), b, nil
	}
	return cutReader{resp.Body}, b, nil
}

// blobOf returns the blob that a file's response is about.
func blobOf(resp *http.Response) (b moot.Blob, err error) {
	b.ID, err = moot.ParseBlobID(strings.Trim(resp.Header.Get("ETag"), `"`))
	if err != nil {
		return b, moot.Errorf(moot.Unavailable, "the node answered without the file's ID")
	}
	b.Size = resp.ContentLength
	if resp.StatusCode != http.StatusOK {
		_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
		b.Size, err = strconv.ParseInt(total, 10, 64)
	}
	if err != nil || b.Size < 0 {
		return b, moot.Errorf(moot.Unavailable, "the node answered without the file's size")
	}
	return b, nil
}
