package compare

import (
	"html/template"
	"io"
	"strings"
)

// HTML writes the report as one page that needs nothing else.
func (r *Report) HTML(w io.Writer) error {
	page, err := template.New("report").Parse("<!doctype html><meta charset=utf-8><title>moot compare</title><pre>{{.}}</pre>\n")
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := r.Text(&text); err != nil {
		return err
	}
	return page.Execute(w, text.String())
}
