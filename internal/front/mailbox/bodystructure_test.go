package mailbox

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/emersion/go-message/charset"
)

// outlineOf is the tree of media types of a BODYSTRUCTURE.
func outlineOf(v any) string {
	p, _ := v.([]any)
	if children, sub, _, ok := multipart(p); ok {
		var all []string
		for _, one := range children {
			all = append(all, outlineOf(one))
		}
		return "multipart/" + sub + "(" + strings.Join(all, " ") + ")"
	}
	if len(p) < 7 {
		return fmt.Sprintf("malformed: %.200q", v)
	}
	kind := strings.ToLower(text(p[0]) + "/" + text(p[1]))
	if hasEnvelope(p) {
		return kind + "[" + outlineOf(p[8]) + "]"
	}
	return kind
}

// hasEnvelope reports whether a part has an envelope and a structure.
func hasEnvelope(p []any) bool {
	if len(p) < 10 {
		return false
	}
	_, ok := p[7].([]any)
	return ok
}

// multipart splits the fields of a multipart into its parts, its subtype and what
// follows.
func multipart(p []any) (children []any, sub string, ext []any, ok bool) {
	for i, one := range p {
		if _, list := one.([]any); !list {
			return p[:i], strings.ToLower(text(one)), p[i+1:], i > 0
		}
	}
	return nil, "", nil, false
}

// flatParts adds the fields of all parts: part.FIELD has those of all parts in order.
func flatParts(v any, path string, out map[string]string) {
	p, _ := v.([]any)
	put := func(field, value string) {
		if value != "" {
			out["part."+field] += path + "=" + value + " "
		}
	}
	if children, _, ext, ok := multipart(p); ok {
		for i, one := range children {
			flatParts(one, fmt.Sprintf("%s.%d", path, i+1), out)
		}
		ext = append(ext, nil, nil, nil, nil)
		put("params", params(ext[0]))
		extensionData(ext[1:], put)
		return
	}
	if len(p) < 7 {
		return
	}
	kind := strings.ToLower(text(p[0]) + "/" + text(p[1]))
	own := params(p[2])
	if strings.HasPrefix(kind, "text/") { // the default (RFC 2045, 5.2), which Dovecot spells out
		own = strings.Trim(strings.Replace(own, "charset=us-ascii", "", 1), "; ")
	}
	put("params", own)
	put("id", text(p[3]))
	put("description", decodedWords(text(p[4])))
	put("encoding", strings.ToLower(text(p[5])))
	put("size", text(p[6]))
	rest := p[7:]
	switch {
	case strings.HasPrefix(kind, "text/") && len(rest) > 0:
		put("lines", text(rest[0]))
		rest = rest[1:]
	case hasEnvelope(p):
		inner := map[string]string{}
		flatEnvelope(rest[0], "", inner)
		for field, value := range inner {
			put("envelope."+field, value)
		}
		flatParts(rest[1], path+".m", out)
		put("lines", text(rest[2]))
		rest = rest[3:]
	}
	rest = append(slices.Clone(rest), nil, nil, nil, nil)
	put("md5", text(rest[0]))
	extensionData(rest[1:], put)
}

func extensionData(ext []any, put func(field, value string)) {
	if d, ok := ext[0].([]any); ok && len(d) == 2 {
		put("disposition", strings.ToLower(text(d[0]))+" "+params(d[1]))
	} else if ext[0] != nil {
		put("disposition", "malformed: "+text(ext[0]))
	}
	language, ok := ext[1].([]any)
	if !ok && ext[1] != nil {
		language = []any{ext[1]}
	}
	for _, one := range language {
		put("language", text(one))
	}
	put("location", text(ext[2]))
}

// params are parameters in the order of their names; those of RFC 2231 are decoded.
func params(v any) string {
	list, _ := v.([]any)
	var all []string
	for i := 0; i+1 < len(list); i += 2 {
		name, value := strings.ToLower(text(list[i])), text(list[i+1])
		if decoded, ok := extended(value); ok && strings.HasSuffix(name, "*") {
			name, value = strings.TrimSuffix(name, "*"), decoded
		}
		all = append(all, name+"="+decodedWords(value))
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// extended decodes a value with charset and language.
func extended(s string) (string, bool) {
	fields := strings.SplitN(s, "'", 3)
	if len(fields) != 3 {
		return s, false
	}
	raw, err := url.PathUnescape(fields[2])
	if err != nil {
		return s, false
	}
	if name := strings.ToLower(fields[0]); name != "" && name != "utf-8" && name != "us-ascii" {
		r, err := charset.Reader(name, strings.NewReader(raw))
		if err != nil {
			return s, false
		}
		b, err := io.ReadAll(r)
		return string(b), err == nil
	}
	return raw, true
}
