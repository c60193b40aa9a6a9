package upload_test

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestInline(t *testing.T) {
	t.Parallel()
	most := bytes.Repeat([]byte("x"), 1<<20)
	over := append(bytes.Clone(most), 'x')
	compressed := gzipped(t, []byte(`{"name":["1.0.0"]}`))
	for name, c := range map[string]struct {
		coding string
		data   []byte
		length int64
		want   []byte // nil: refused
		code   registry.Code
		words  string
	}{
		"plain":                       {"", []byte("{}"), -2, []byte("{}"), 0, ""},
		"empty":                       {"", nil, -2, []byte{}, 0, ""},
		"identity":                    {"identity", []byte("{}"), -2, []byte("{}"), 0, ""},
		"as large as may be":          {"", most, -2, most, 0, ""},
		"as large, undeclared":        {"", most, -1, most, 0, ""},
		"too large":                   {"", over, -2, nil, registry.CodeTooLarge, "larger than 1048576"},
		"too large, undeclared":       {"", over, -1, nil, registry.CodeTooLarge, "larger than 1048576"},
		"gzip":                        {"gzip", compressed, -2, []byte(`{"name":["1.0.0"]}`), 0, ""},
		"gzip, otherwise":             {" X-GZIP ", compressed, -2, []byte(`{"name":["1.0.0"]}`), 0, ""},
		"gzip, as large as may be":    {"gzip", gzipped(t, most), -2, most, 0, ""},
		"gzip, unpacks to too much":   {"gzip", gzipped(t, over), -2, nil, registry.CodeTooLarge, "larger than 1048576"},
		"a bomb":                      {"gzip", gzipped(t, make([]byte, 16<<20)), -2, nil, registry.CodeTooLarge, "larger than 1048576"},
		"not gzip":                    {"gzip", []byte("{}"), -2, nil, registry.CodeInvalid, "not gzip"},
		"gzip, and empty":             {"gzip", nil, -2, nil, registry.CodeInvalid, "not gzip"},
		"gzip, cut short":             {"gzip", compressed[:len(compressed)-5], -2, nil, registry.CodeInvalid, "damaged"},
		"gzip, damaged":               {"gzip", flipped(compressed, 15), -2, nil, registry.CodeInvalid, "damaged"},
		"gzip, with a wrong checksum": {"gzip", flipped(compressed, len(compressed)-6), -2, nil, registry.CodeInvalid, "damaged"},
		"gzip, twice":                 {"gzip, gzip", compressed, -2, nil, registry.CodeInvalid, "not supported"},
		"another coding":              {"br", []byte("{}"), -2, nil, registry.CodeInvalid, `"br" is not supported`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := setup(spec.BodyInline)
			in.header.Set("Content-Encoding", c.coding)
			in.length = c.length
			if c.want == nil {
				in.refuse(t, c.data, c.code, c.words)
				return
			}
			if got := in.accept(t, c.data).Document; !bytes.Equal(got, c.want) {
				t.Errorf("got %d bytes: %.40q", len(got), got)
			}
		})
	}
}

func flipped(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 0xff
	return data
}

func TestContentEncoding_ofBodiesWithFiles(t *testing.T) {
	t.Parallel()
	for _, kind := range []spec.BodyKind{spec.BodyMultipart, spec.BodyJSONAttachments} {
		in := setup(kind)
		in.header.Set("Content-Encoding", "gzip")
		in.refuse(t, []byte("{}"), registry.CodeInvalid, "not supported")
	}
	in := setup(spec.BodyRawFile)
	in.header.Set("Content-Encoding", "gzip")
	wantFile(t, in.accept(t, []byte("as it is")).Files[0], []byte("as it is"))
}
