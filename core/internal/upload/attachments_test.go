package upload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// attachments are those of npm.
func attachments() []spec.Attachment {
	return []spec.Attachment{
		{Path: []string{"_attachments", "*.tgz", "data"}, Encoding: spec.EncodingBase64},
		{Path: []string{"_attachments", "*.sigstore", "data"}, Encoding: spec.EncodingText},
	}
}

func npm() *inbox {
	in := setup(spec.BodyJSONAttachments)
	in.policy.Attachments = attachments()
	in.policy.MaxFiles = 2
	return in
}

// publish is npm's document around a tarball.
func publish(data string) []byte {
	return []byte(`{"_id":"demo","_attachments":{"@s/demo-1.0.0.tgz":{"content_type":"application/octet-stream","data":` + data + `,"length":1}},"versions":{}}`)
}

func quoted(data []byte) string { return `"` + base64.StdEncoding.EncodeToString(data) + `"` }

func TestJSONAttachments_replacesFilesByHandles(t *testing.T) {
	t.Parallel()
	in := npm()
	tarball, bundle := random(300<<10), `{"a":"ü€𝄞\n"}`
	text, err := json.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	body := in.accept(t, []byte(` { "_attachments" : {
		"demo-1.0.0.sigstore": {"content_type": "x", "data": `+string(text)+` },
		"@s/demo-1.0.0.tgz" : {"data" :`+quoted(tarball)+`, "length": 1},
		"other.txt": {"data": "AAAA"}, "a.tgz": {"data": null}, "b.tgz": "data", "c.tgz": [{"data": "AAAA"}]
	}, "data": "AAAA", "name":"demo" }
	`))
	if len(body.Files) != 2 {
		t.Fatalf("%d files", len(body.Files))
	}
	sig, tgz := body.Files[0], body.Files[1]
	wantFile(t, sig, []byte(bundle))
	wantFile(t, tgz, tarball)
	if tgz.Part != "_attachments/@s/demo-1.0.0.tgz/data" || tgz.FileName != "@s/demo-1.0.0.tgz" || tgz.ContentType != "application/octet-stream" {
		t.Errorf("got %q %q %q", tgz.Part, tgz.FileName, tgz.ContentType)
	}
	want := fmt.Sprintf(` { "_attachments" : {
		"demo-1.0.0.sigstore": {"content_type": "x", "data": {"$upload":"%s"} },
		"@s/demo-1.0.0.tgz" : {"data" :{"$upload":"%s"}, "length": 1},
		"other.txt": {"data": "AAAA"}, "a.tgz": {"data": null}, "b.tgz": "data", "c.tgz": [{"data": "AAAA"}]
	}, "data": "AAAA", "name":"demo" }
	`, sig.Handle, tgz.Handle)
	if string(body.Document) != want {
		t.Errorf("document %s\nwant %s", body.Document, want)
	}
}

func TestJSONAttachments_sizes(t *testing.T) {
	t.Parallel()
	for _, size := range append(sizes(), 2, 3, 5, 48<<10, 48<<10+1, 49<<10) {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			in := npm()
			in.limits.Digests = []spec.Digest{spec.MD5, spec.SHA1, spec.SHA512}
			data := random(size)
			f := in.accept(t, publish(quoted(data))).Files[0]
			wantFile(t, f, data)
			wantDigests(t, f, data)
			commits(t, in, f, data)
		})
	}
}

// However the bytes come, and however they are escaped, it is the same file.
func TestJSONAttachments_anyPieces(t *testing.T) {
	t.Parallel()
	data := random(20_001)
	plain := base64.StdEncoding.EncodeToString(data)
	hex := &strings.Builder{}
	for i, c := range plain {
		if i%3 == 0 {
			fmt.Fprintf(hex, `\u%04X`, c)
		} else {
			hex.WriteRune(c)
		}
	}
	for name, text := range map[string]string{
		"plain": plain, "slashes": strings.ReplaceAll(plain, "/", `\/`), "hex": hex.String(),
		"nothing but slashes": strings.Repeat(`\/`, 40_000), "nothing but hex": strings.Repeat(`\u0041`, 40_000),
	} {
		for pieces, cut := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "with the end": iotest.DataErrReader,
		} {
			t.Run(name+"/"+pieces, func(t *testing.T) {
				t.Parallel()
				in := npm()
				in.length = -1
				body, err := in.from(t.Context(), cut(bytes.NewReader(publish(`"`+text+`"`))))
				if err != nil {
					t.Fatal(err)
				}
				want := data
				if strings.HasPrefix(name, "nothing") {
					var unescaped string
					if err := json.Unmarshal([]byte(`"`+text+`"`), &unescaped); err != nil {
						t.Fatal(err)
					}
					if want, err = base64.StdEncoding.DecodeString(unescaped); err != nil {
						t.Fatal(err)
					}
				}
				wantFile(t, body.Files[0], want)
			})
		}
	}
}

func TestJSONAttachments_text(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "ascii": "hello", "escapes": "\"\\/\b\f\n\r\t", "characters": "ü€𝄞", "long": strings.Repeat("ü€𝄞\"", 20_000),
	} {
		for _, ascii := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/ascii=%t", name, ascii), func(t *testing.T) {
				t.Parallel()
				literal, err := json.Marshal(text)
				if err != nil {
					t.Fatal(err)
				}
				if ascii {
					literal = []byte(asciiOnly(string(literal)))
				}
				in := npm()
				in.length = -1
				for _, cut := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
					doc := `{"_attachments":{"a.sigstore":{"data":` + string(literal) + `}}}`
					body, err := in.from(t.Context(), cut(strings.NewReader(doc)))
					if err != nil {
						t.Fatal(err)
					}
					wantFile(t, body.Files[0], []byte(text))
				}
			})
		}
	}
}

// asciiOnly writes every other character as escapes.
func asciiOnly(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return out.String()
}

func TestJSONAttachments_refusedFiles(t *testing.T) {
	t.Parallel()
	const invalid = registry.CodeInvalid
	sig := func(text string) []byte { return []byte(`{"_attachments":{"a.sigstore":{"data":"` + text + `"}}}`) }
	for name, c := range map[string]struct {
		doc   []byte
		code  registry.Code
		words string
	}{
		"too large":                  {publish(quoted(make([]byte, 4<<20+1))), invalid, "File is too large."},
		"too large, two paddings":    {publish(quoted(make([]byte, 4<<20+3))), invalid, "File is too large."},
		"too large text":             {sig(strings.Repeat("x", 4<<20+1)), invalid, "File is too large."},
		"too many":                   {[]byte(`{"_attachments":{"a.tgz":{"data":""},"b.tgz":{"data":""},"c.tgz":{"data":""}}}`), invalid, "more than 2 files"},
		"a quantum cut short":        {publish(`"AAA"`), invalid, "not valid base64"},
		"no padding":                 {publish(`"AA"`), invalid, "not valid base64"},
		"padding in the middle":      {publish(`"AA==AAAA"`), invalid, "not valid base64"},
		"padding in a later piece":   {publish(`"AA==` + strings.Repeat("AAAA", 10_000) + `"`), invalid, "not valid base64"},
		"more padding":               {publish(`"AA==="`), invalid, "not valid base64"},
		"padding alone":              {publish(`"===="`), invalid, "not valid base64"},
		"the other alphabet":         {publish(`"-_-_"`), invalid, "not valid base64"},
		"a line break":               {publish("\"AAAA\nAAAA\""), invalid, "not valid base64"},
		"an escaped line break":      {publish(`"AAAA\r\nAAAA"`), invalid, "not valid base64"},
		"line breaks of a quantum":   {publish(`"\n\n\n\n"`), invalid, "not valid base64"},
		"a blank":                    {publish(`"AAAA AAAA"`), invalid, "not valid base64"},
		"NUL":                        {publish("\"AAAA\x00AAA\""), invalid, "not valid base64"},
		"an escaped NUL":             {publish(`"AAAA\u0000AAA"`), invalid, "Invalid json"},
		"no such escape":             {publish(`"AAAA\x"`), invalid, "Invalid json"},
		"half an escape":             {publish(`"AAAA\u00"`), invalid, "Invalid json"},
		"no hex":                     {publish(`"AAAA\u00zz"`), invalid, "Invalid json"},
		"twice":                      {[]byte(`{"_attachments":{"a.tgz":{"data":"AAAA","data":"BBBB"}}}`), invalid, "a name occurs twice"},
		"twice, escaped":             {[]byte(`{"_attachments":{"a.tgz":{"data":"AAAA","d\u0061ta":"BBBB"}}}`), invalid, "a name occurs twice"},
		"twice on the way":           {[]byte(`{"_attachments":{"a.tgz":{"data":"AAAA"},"a.tgz":{}}}`), invalid, "a name occurs twice"},
		"twice at the root":          {[]byte(`{"_attachments":{"a.tgz":{"data":"AAAA"}},"_attachments":{}}`), invalid, "a name occurs twice"},
		"text of half a character":   {sig("\xe2\x82"), invalid, "Invalid json"},
		"text that is not UTF-8":     {sig("a\xffb"), invalid, "Invalid json"},
		"text with a surrogate":      {sig(`\ud834`), invalid, "Invalid json"},
		"text with half a character": {sig(`\ud834\n`), invalid, "Invalid json"},
		"text with a wrong half":     {sig(`\ud834\u0041`), invalid, "Invalid json"},
		"text with a control":        {sig("a\x01b"), invalid, "Invalid json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			npm().refuse(t, c.doc, c.code, c.words)
		})
	}
}

// What is refused is refused at the byte where it stands, behind attachments too.
func TestJSONAttachments_refusedDocuments(t *testing.T) {
	t.Parallel()
	before := `{"_attachments":{"a.tgz":{"data":` + quoted(random(100)) + "}},\n \"x\":"
	at := func(n int) string { return fmt.Sprintf("at byte %d", len(before)+n) }
	for name, c := range map[string]struct {
		value string // and the rest of the document
		words []string
	}{
		"a comma too many":     {`[1,]}`, []string{"unexpected character", at(3)}},
		"no comma":             {`[1 2]}`, []string{"unexpected character", at(3)}},
		"no colon":             {`{"a" 1}}`, []string{"unexpected character", at(5)}},
		"no quotes":            {`{a:1}}`, []string{"unexpected character", at(1)}},
		"single quotes":        {`'a'}`, []string{"unexpected character"}},
		"another bracket":      {`[1}`, []string{"unexpected character"}},
		"no word":              {`nul}`, []string{"not valid JSON", at(3)}},
		"no number":            {`01}`, []string{"not valid JSON", at(1)}},
		"nothing":              {`}`, []string{"unexpected character", at(0)}},
		"no such escape":       {`"\x"}`, []string{"not valid JSON", at(1)}},
		"a control":            {"\"a\x01\"}", []string{"not valid JSON", at(2)}},
		"NUL":                  {`"a\u0000"}`, []string{"NUL in a string"}},
		"not UTF-8":            {"\"\xff\"}", []string{"invalid UTF-8", at(1)}},
		"a name twice":         {`{"a":1,"a":2}}`, []string{"a name occurs twice"}},
		"deep":                 {strings.Repeat("[", 65), []string{"more than 64 nested"}},
		"deep in objects":      {strings.Repeat(`{"a":`, 65), []string{"more than 64 nested"}},
		"more":                 {`1}{}`, []string{"data after the document", at(2)}},
		"a second end":         {`1}}`, []string{"data after the document"}},
		"a handle":             {`{"$upload":"0"}}`, []string{`"$upload" is reserved`}},
		"a handle, escaped":    {`{"\u0024upload":"0"}}`, []string{`"$upload" is reserved`}},
		"nothing but a string": {`"abc`, []string{"ended too early"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, words := range c.words {
				npm().refuse(t, []byte(before+c.value), registry.CodeInvalid, words)
			}
		})
	}
}

func TestJSONAttachments_documentLimit(t *testing.T) {
	t.Parallel()
	in := npm()
	in.accept(t, []byte(`"`+strings.Repeat("x", 1<<20-2)+`"`)).Discard()
	for name, doc := range map[string]string{
		"text":        `"` + strings.Repeat("x", 1<<20-1) + `"`,
		"white space": strings.Repeat(" ", 1<<20) + "1",
		"at the end":  "1" + strings.Repeat("\n", 1<<20),
		"a number":    strings.Repeat("1", 1<<20+1),
		"names":       `{"` + strings.Repeat("x", 1<<20) + `":1}`,
		"lists":       "[" + strings.Repeat("1,", 1<<19) + "1]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			npm().refuse(t, []byte(doc), registry.CodeTooLarge, "larger than 1048576")
		})
	}
}

func TestJSONAttachments_everyTruncation(t *testing.T) {
	t.Parallel()
	doc := bytes.TrimSpace([]byte(`{"_attachments":{"a.tgz":{"data":"QU\/\u0041"},"a.sigstore":{"data":"\ud834\udd1eü"}},"x":[1,true,"y"]}`))
	npm().accept(t, doc).Discard()
	for n := range doc {
		npm().refuse(t, doc[:n], registry.CodeInvalid, "")
	}
}
