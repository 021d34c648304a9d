package cbor_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"testing"

	"github.com/mootspace/moot/internal/cbor"
)

type body struct {
	Text string `cbor:"2,keyasint,omitempty"`
	Data []byte `cbor:"0,keyasint"`
	Size int64  `cbor:"1,keyasint"`
}

type problem struct {
	Title string `json:"title"`
	Kind  string `json:"kind"`
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectors holds the bytes that version 0.1.0 wrote.
func TestVectors(t *testing.T) {
	for name, c := range map[string]struct {
		marshal func(any) ([]byte, error)
		v       any
		want    string
	}{
		"keys are sorted":     {cbor.Marshal, body{Text: "a", Data: []byte{1}, Size: 500}, "a3004101011901f4026161"},
		"an empty field":      {cbor.Marshal, body{}, "a200f60100"},
		"a map is sorted":     {cbor.Marshal, map[string]int{"title": 1, "kind": 2}, "a2646b696e6402657469746c6501"},
		"fields in order":     {cbor.MarshalFields, problem{"t", "k"}, "a2657469746c656174646b696e64616b"},
		"shortest float":      {cbor.Marshal, 1.5, "f93e00"},
		"a number at a bound": {cbor.Marshal, uint64(24), "1818"},
	} {
		got, err := c.marshal(c.v)
		if err != nil || hex.EncodeToString(got) != c.want {
			t.Errorf("%s: %x, %v, want %s", name, got, err, c.want)
		}
	}
	if _, err := cbor.Marshal(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}

func TestStrictDecoding(t *testing.T) {
	small := cbor.NewDecoder(cbor.Limits{})
	for name, in := range map[string]string{
		"empty":                "",
		"cut short":            "a20041",
		"two items":            "a200f60100a0",
		"a duplicate key":      "a3004101004102010a",
		"an indefinite map":    "bf004101ff",
		"an indefinite string": "a1005f4101ff",
		"a tag":                "a100c2410a",
		"nested too deep":      "a100818181818100",
		"a long array":         "a10091" + "0000000000000000000000000000000000",
		"a huge length":        "a1009bffffffffffffffff",
		"not UTF-8":            "a10261ff",
		"another type":         "a1016161",
	} {
		var v body
		if err := small.Unmarshal(unhex(t, in), &v); err == nil {
			t.Errorf("%s: decoded %+v", name, v)
		}
	}
	var v body
	if err := small.Unmarshal(unhex(t, "a300410101050963787878"), &v); err != nil || v.Size != 5 {
		t.Errorf("a field of a newer program: %+v, %v", v, err)
	}
	many := append([]byte{0x91}, make([]byte, 17)...)
	var list []int
	if err := cbor.NewDecoder(cbor.Limits{Elements: 17}).Unmarshal(many, &list); err != nil || len(list) != 17 {
		t.Errorf("an array at its limit: %d elements, %v", len(list), err)
	}
	if err := small.Unmarshal(many, &list); err == nil {
		t.Error("an array above its limit was decoded")
	}
}

func TestSequence(t *testing.T) {
	items := cbor.NewDecoder(cbor.Limits{}).Sequence(bytes.NewReader(unhex(t, "a0f6820102")))
	var got []string
	for {
		var item cbor.Raw
		err := items.Decode(&item)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, hex.EncodeToString(item))
	}
	if len(got) != 3 || got[0] != "a0" || got[1] != "f6" || got[2] != "820102" {
		t.Errorf("read %v", got)
	}
}

// FuzzUnmarshal checks that whatever is decoded can be encoded, to what decodes alike.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte{0xa2, 0, 0xf6, 1, 0})
	f.Add([]byte{0xbf, 0, 0xff})
	small := cbor.NewDecoder(cbor.Limits{})
	f.Fuzz(func(t *testing.T, in []byte) {
		var v, again body
		if small.Unmarshal(in, &v) != nil {
			return
		}
		out, err := cbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := small.Unmarshal(out, &again); err != nil || again.Text != v.Text || again.Size != v.Size || !bytes.Equal(again.Data, v.Data) {
			t.Fatalf("%+v became %+v, %v", v, again, err)
		}
	})
}
