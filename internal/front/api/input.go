package api

import (
	"encoding"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/mootspace/moot"
)

// duration is a length of time in a query, as "1m30s".
type duration struct{ time.Duration }

// MarshalText and UnmarshalText use Go's form of durations.
func (d duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d *duration) UnmarshalText(text []byte) (err error) {
	d.Duration, err = time.ParseDuration(string(text))
	return err
}

// param is where a field of an input is sent.
type param struct {
	in   string // path, query or header; "" for the body
	name string
}

func paramOf(f reflect.StructField) param {
	for _, in := range []string{"path", "query", "header"} {
		if name := f.Tag.Get(in); name != "" {
			return param{in, name}
		}
	}
	return param{}
}

// decodeInput reads an operation's input. Kinds: Invalid, TooLarge.
func decodeInput(w http.ResponseWriter, r *http.Request, in any, limit int64) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return moot.Errorf(moot.Invalid, "the query makes no sense: %w", err)
	}
	query.Del("via")
	query.Del("account")
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		var values []string
		p := paramOf(v.Type().Field(i))
		switch p.in {
		case "path":
			values = []string{r.PathValue(p.name)}
		case "query":
			values = query[p.name]
			query.Del(p.name)
		case "header":
			values = r.Header.Values(p.name)
		default:
			if err := decodeBody(w, r, v.Field(i).Addr().Interface(), limit); err != nil {
				return err
			}
			continue
		}
		if err := setAll(v.Field(i), values); err != nil {
			return moot.Errorf(moot.Invalid, "%s: %w", p.name, err)
		}
	}
	for name := range query { // a misspelt filter must not select everything
		return moot.Errorf(moot.Invalid, "there is no parameter %.60q", name)
	}
	return nil
}

// decodeBody reads a JSON body. Kinds: Invalid, TooLarge.
func decodeBody(w http.ResponseWriter, r *http.Request, v any, limit int64) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return nil
		} else if err == nil {
			err = errors.New("there is more than one JSON value")
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return moot.Errorf(moot.TooLarge, "the request's body is larger than %d bytes", large.Limit)
	}
	return moot.Errorf(moot.Invalid, "the request's body is not the JSON expected: %w", err)
}

// setAll sets a field to the values of a parameter; none leave it as it is.
func setAll(v reflect.Value, values []string) error {
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(values), len(values)))
		for i, s := range values {
			if err := setText(v.Index(i), s); err != nil {
				return err
			}
		}
		return nil
	}
	if len(values) > 1 {
		return errors.New("it is given several times")
	}
	for _, s := range values {
		if err := setText(v, s); err != nil {
			return err
		}
	}
	return nil
}

// setText sets a value to what its text form stands for.
func setText(v reflect.Value, s string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(s))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
		return nil
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		v.SetBool(b)
		return err
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, v.Type().Bits())
		v.SetInt(n)
		return err
	case reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(s, 10, v.Type().Bits())
		v.SetUint(n)
		return err
	}
	return moot.Errorf(moot.Internal, "%v has no text form", v.Type())
}

// encoded is an input as it is sent.
type encoded struct {
	path   string
	query  url.Values
	header http.Header
	body   []byte // JSON; nil: none
}

// encodeInput is the other side of decodeInput, for the path in an operation's pattern.
func encodeInput(pattern string, in any) (e encoded, err error) {
	e = encoded{path: pattern, query: url.Values{}, header: http.Header{}}
	v := reflect.ValueOf(in)
	for i := range v.NumField() {
		field, p := v.Field(i), paramOf(v.Type().Field(i))
		switch p.in {
		case "path":
			e.path = strings.NewReplacer("{"+p.name+"}", pathText(field), "{"+p.name+"...}", pathText(field)).Replace(e.path)
		case "query":
			for _, s := range texts(field) {
				e.query.Add(p.name, s)
			}
		case "header":
			for _, s := range texts(field) {
				e.header.Add(p.name, s)
			}
		default:
			if e.body, err = json.Marshal(list(field.Interface())); err != nil {
				return e, moot.Errorf(moot.Invalid, "%w", err)
			}
		}
	}
	return e, nil
}

// texts returns the values of a parameter; none for a zero value.
func texts(v reflect.Value) (list []string) {
	switch {
	case v.IsZero():
		return nil
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			list = append(list, text(v.Index(i)))
		}
		return list
	}
	return []string{text(v)}
}

func text(v reflect.Value) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		b, _ := m.MarshalText() // the types used here cannot fail
		return string(b)
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	}
	return v.String()
}

// pathText returns a value as one segment of a path. Dots are escaped where a segment
// would lead elsewhere.
func pathText(v reflect.Value) string {
	s := url.PathEscape(text(v))
	if s == "." || s == ".." {
		s = strings.ReplaceAll(s, ".", "%2E")
	}
	return s
}
