package strictxml_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pakhus/pakhus/sdk/strictxml"
)

type thing struct {
	ID   string         `xml:"id,attr"`
	Name strictxml.Text `xml:"name"`
	Tags strictxml.Once[struct {
		Tag []string `xml:"tag"`
	}] `xml:"tags"`
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, document, reason string
		line                   int
	}{
		{"nothing", "", "no document", 0},
		{"white space", " \n", "no document", 0},
		{"a declaration alone", `<?xml version="1.0"?>`, "no document", 0},
		{"a comment alone", `<!-- -->`, "no document", 0},
		{"text alone", "thing", "text outside the root element", 1},
		{"cut off in an element", "<thing>\n<name>", "the document ends too early", 2},
		{"cut off in a tag", "<thing", "the document ends too early", 1},
		{"two roots", "<thing/>\n<thing/>", "more than one root element", 2},
		{"text after the root", "<thing/>x", "text outside the root element", 1},
		{"text before the root", "x<thing/>", "text outside the root element", 1},
		{"a reference after the root", "<thing/>&#32;", "text outside the root element", 1},
		{"CDATA after the root", "<thing/><![CDATA[ ]]>", "text outside the root element", 1},
		{"an end after the root", "<thing/></thing>", "the end of <thing>, which is not open,", 1},
		{"the wrong end", "<thing>\n<name></thing>", "element <name> closed by </thing>", 2},
		{"another prefix at the end", "<thing><a:b></c:b></thing>", "element <a:b> closed by </c:b>", 1},
		{"a document type", "<!DOCTYPE thing>\n<thing/>", "a document type declaration", 1},
		{"a document type with entities", `<!DOCTYPE t [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><thing>&c;</thing>`, "a document type declaration", 1},
		{"an external entity", `<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]><thing>&a;</thing>`, "a document type declaration", 1},
		{"a directive inside", "<thing><!ELEMENT a></thing>", "a document type declaration", 1},
		{"an undefined entity", "<thing>\n\n&nbsp;</thing>", "invalid character entity &nbsp;", 3},
		{"an attribute twice", `<thing id="1" id="2"/>`, `the attribute "id" occurs twice`, 1},
		{"a namespace twice", `<thing xmlns="a" xmlns="b"/>`, `the attribute "xmlns" occurs twice`, 1},
		{"an attribute without quotes", `<thing id=1/>`, "unquoted or missing attribute value", 1},
		{"too deep", strings.Repeat("<a>", 101) + strings.Repeat("</a>", 101), "more than 100 nested elements", 1},
		{"too many elements", "<a>" + strings.Repeat("<b/>", 200_000) + "</a>", "more than 200000 elements", 1},
		{"too many attributes", "<thing" + attributes(101) + "/>", "more than 100 attributes", 1},
		{"far too many attributes", "<thing" + attributes(40_000) + "/>", "a tag of more than", 1},
		{"a long tag inside", "<thing><" + strings.Repeat("a", 200_000) + "/></thing>", "a tag of more than", 1},
		{"too long", "<thing>" + strings.Repeat(" ", 1<<20) + "</thing>", "the document has more than 1048576 bytes", 0},
		{"NUL", "<thing>\n\x00</thing>", "NUL", 2},
		{"NUL by reference", "<thing>&#0;</thing>", "illegal character code U+0000", 1},
		{"a control character", "<thing>\x1b</thing>", "a character that XML forbids, U+001B,", 1},
		{"a control character by reference", "<thing>&#x8;</thing>", "illegal character code U+0008", 1},
		{"a control character in a comment", "<thing><!-- \x01 --></thing>", "a character that XML forbids, U+0001,", 1},
		{"no character", "<thing>\uffff</thing>", "a character that XML forbids, U+FFFF,", 1},
		{"invalid UTF-8", "<thing>\n\xff</thing>", "invalid UTF-8", 2},
		{"invalid UTF-8 in a comment", "<thing><!-- \xe4 --></thing>", "invalid UTF-8", 1},
		{"a surrogate", "<thing>\xed\xa0\x80</thing>", "invalid UTF-8", 1},
		{"a declaration inside", `<thing><?xml version="1.0"?></thing>`, "an XML declaration that is not at the start", 1},
		{"a declaration with an encoding inside", `<thing><?xml version="1.0" encoding="iso-8859-1"?></thing>`, "an XML declaration that is not at the start", 1},
		{"a second declaration", `<?xml version="1.0"?><?xml version="1.0"?><thing/>`, "an XML declaration that is not at the start", 1},
		{"a declaration after white space", ` <?xml version="1.0"?><thing/>`, "an XML declaration that is not at the start", 1},
		{"a declaration in capitals", `<thing/><?XML version="1.0"?>`, "an XML declaration that is not at the start", 1},
		{"a declaration without a version", `<?xml encoding="UTF-8"?><thing/>`, "the XML declaration is not valid", 1},
		{"a declaration of something else", `<?xml version="1.0" x-encoding="UTF-16"?><thing/>`, "the XML declaration is not valid", 1},
		{"two encodings", `<?xml version="1.0" encoding="UTF-8" encoding="UTF-16"?><thing/>`, "the XML declaration is not valid", 1},
		{"XML 1.1", `<?xml version="1.1"?><thing/>`, `the XML version is "1.1"`, 1},
		{"an unknown encoding", `<?xml version="1.0" encoding="UTF-7"?><thing/>`, `the encoding "utf-7" is unknown`, 1},
		{"an element twice", "<thing>\n<name>a</name>\n<name>a</name></thing>", "the element <name> occurs twice", 3},
		{"a list twice", "<thing><tags/><tags/></thing>", "the element <tags> occurs twice", 1},
		{"an element in a text", "<thing><name>a<b/></name></thing>", "the element <b> in <name>", 1},
		{"another root", "<other/>", "the root element is <other>, not <thing>", 1},
		{"another vocabulary's root inside", "<o:other><o:thing/></o:other>", "the root element is <other>, not <thing>", 1},
		{"a comment with two hyphens", "<thing><!-- a -- b --></thing>", `invalid sequence "--"`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var v thing
			err := strictxml.Unmarshal([]byte(c.document), &v, options(c.name)...)
			problem, ok := errors.AsType[*strictxml.Error](err)
			if !ok {
				t.Fatalf("%v, want an *Error", err)
			}
			if !strings.Contains(err.Error(), c.reason) || problem.Line != c.line {
				t.Errorf("%q on line %d, want %q on line %d", err, problem.Line, c.reason, c.line)
			}
			if len(err.Error()) > 500 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func options(name string) []strictxml.Option {
	if strings.Contains(name, "root") {
		return []strictxml.Option{strictxml.Root("thing")}
	}
	return nil
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d=""`, i)
	}
	return b.String()
}

func TestTaken(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"bare":                            `<thing id="1"><name>é</name></thing>`,
		"white space around":              "\n<thing id=\"1\">\n<name>\t é \n</name>\n</thing>\n",
		"a declaration":                   "<?xml version='1.0'  encoding = 'Utf-8' standalone=\"yes\" ?>\n<thing id='1'><name>é</name></thing>",
		"a byte order mark":               "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><thing id=\"1\"><name>é</name></thing>",
		"instructions and comments":       `<?xml-stylesheet href="a"?><!-- a --><thing id="1"><name>é<!-- b --></name></thing><!-- c --><?d?>`,
		"a namespace":                     `<thing xmlns="urn:a" xmlns:x="urn:b" x:id="2" id="1"><name>é</name><x:name>b</x:name></thing>`,
		"a prefix":                        `<t:thing xmlns:t="urn:a" id="1" t:id="2"><t:name>é</t:name><name>b</name></t:thing>`,
		"an undeclared prefix":            `<thing id="1"><name>é</name><x:name>b</x:name></thing>`,
		"CDATA":                           `<thing id="1"><name><![CDATA[é]]></name></thing>`,
		"references":                      `<thing id="&#49;"><name>&#xe9;</name></thing>`,
		"a text in pieces":                `<thing id="1"><name><!-- a --><![CDATA[]]>` + strings.Repeat(" <!---->", 100_000) + `é</name></thing>`,
		"other elements":                  `<thing id="1"><other><name>b</name></other><name>é</name><Name>c</Name></thing>`,
		"100 nested elements":             `<thing id="1"><name>é</name>` + strings.Repeat("<a>", 99) + strings.Repeat("</a>", 99) + `</thing>`,
		"a long comment":                  `<thing id="1"><!--` + strings.Repeat("x", 300_000) + `--><name>é</name></thing>`,
		"utf-16 declared, UTF-8 in truth": `<?xml version="1.0" encoding="utf-16"?><thing id="1"><name>é</name></thing>`,
	} {
		var v thing
		if err := strictxml.Unmarshal([]byte(document), &v, strictxml.Root("thing")); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if v.ID != "1" || v.Name.Value != "é" || !v.Name.Present {
			t.Errorf("%s: id %q, name %q", name, v.ID, v.Name.Value)
		}
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	document := func(encoding, name string) string {
		if encoding != "" {
			encoding = ` encoding="` + encoding + `"`
		}
		return `<?xml version="1.0"` + encoding + `?><thing><name>` + name + `</name></thing>`
	}
	for _, c := range []struct{ name, document, want string }{
		{"ISO-8859-1", document("ISO-8859-1", "\xe4\x80"), "ä\u0080"},
		{"windows-1252", document("windows-1252", "\xe4\x80"), "ä€"},
		{"US-ASCII", document("us-ascii", "&#228;"), "ä"},
		{"UTF-16 with the low byte first", "\xff\xfe" + inUTF16(document("UTF-16", "ä😀"), false), "ä😀"},
		{"UTF-16 with the high byte first", "\xfe\xff" + inUTF16(document("utf-16", "ä😀"), true), "ä😀"},
		{"UTF-16 named with its order", "\xfe\xff" + inUTF16(document("UTF-16BE", "ä"), true), "ä"},
		{"UTF-16 not declared", "\xff\xfe" + inUTF16(document("", "ä"), false), "ä"},
	} {
		var v thing
		if err := strictxml.Unmarshal([]byte(c.document), &v); err != nil || v.Name.Value != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, v.Name.Value, err, c.want)
		}
	}
	for _, c := range []struct{ name, document, reason string }{
		{"UTF-16 in the other order than declared", "\xff\xfe" + inUTF16(document("UTF-16BE", ""), false), `declared encoding is "utf-16be", the bytes are UTF-16LE`},
		{"UTF-16 declared as UTF-8", "\xff\xfe" + inUTF16(document("UTF-8", ""), false), `declared encoding is "utf-8", the bytes are UTF-16LE`},
		{"UTF-16 declared as ISO-8859-1", "\xff\xfe" + inUTF16(document("ISO-8859-1", ""), false), "the bytes are UTF-16LE"},
		{"UTF-8 with a mark, declared as UTF-16", "\ufeff" + document("utf-16", ""), "the bytes are UTF-8 with a byte order mark"},
		{"UTF-8 with a mark, declared as ISO-8859-1", "\ufeff" + document("ISO-8859-1", ""), "the bytes are UTF-8 with a byte order mark"},
		{"UTF-16 without a mark", inUTF16(document("UTF-16", ""), false), "NUL"},
		{"utf-16 declared, neither in truth", document("utf-16", "\xe4"), "invalid UTF-8"},
		{"US-ASCII with more in it", document("us-ascii", "ä"), "not US-ASCII"},
		{"half a pair", "\xff\xfe" + inUTF16("<a>\n", false) + "\x3d\xd8" + inUTF16("</a>", false), "half a surrogate pair at line 2"},
		{"half a pair at the end", "\xff\xfe" + inUTF16("<a/>", false) + "\x3d\xd8", "half a surrogate pair"},
		{"the second half alone", "\xff\xfe" + inUTF16("<a>", false) + "\x00\xde" + inUTF16("</a>", false), "half a surrogate pair"},
		{"half a character", "\xff\xfe" + inUTF16("<a/>", false) + "\x20", "the last character is cut off"},
	} {
		var v thing
		if err := strictxml.Unmarshal([]byte(c.document), &v); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", c.name, err, c.reason)
		}
	}
}

func inUTF16(s string, high bool) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if high {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

func TestLinesAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	var v thing
	err := strictxml.Unmarshal([]byte("<?xml\nversion='1.0'?>\n<thing>\n<name/>\n<name/></thing>"), &v)
	if problem, ok := errors.AsType[*strictxml.Error](err); !ok || problem.Line != 5 {
		t.Errorf("%v, want line 5", err)
	}
}

func TestMaxBytesMovesTheBound(t *testing.T) {
	t.Parallel()
	document := []byte("<thing>" + strings.Repeat(" ", 1<<20) + "</thing>")
	var v thing
	if err := strictxml.Unmarshal(document, &v, strictxml.MaxBytes(2<<20)); err != nil {
		t.Error(err)
	}
	if err := strictxml.Unmarshal([]byte("<thing/>"), &v, strictxml.MaxBytes(7)); err == nil {
		t.Error("8 bytes are taken, want at most 7")
	}
}

func TestHTMLEntitiesAreTakenOnRequest(t *testing.T) {
	t.Parallel()
	document := []byte("<thing><name>&copy;&amp;</name></thing>")
	var v thing
	if err := strictxml.Unmarshal(document, &v); err == nil {
		t.Error("they are taken without")
	}
	v = thing{}
	if err := strictxml.Unmarshal(document, &v, strictxml.HTMLEntities()); err != nil || v.Name.Value != "©&" {
		t.Errorf("%q, %v", v.Name.Value, err)
	}
}

func TestAnErrorQuotesNoText(t *testing.T) {
	t.Parallel()
	var v struct {
		Count int `xml:"count"`
	}
	err := strictxml.Unmarshal([]byte("<thing><count>hunter2</count></thing>"), &v)
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("%v", err)
	}
}

// What is taken here, encoding/xml takes too, and sees the same in it where no
// prefixes are.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`<thing id="1"><name> a </name><tags><tag>b</tag><tag/></tags></thing>`, `<?xml version="1.0" encoding="utf-16"?><thing/>`,
		`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "<a>\x00</a>", "\xff\xfe<\x00a\x00/\x00>\x00", "\xef\xbb\xbf<a/>", `<a b="1" b="2"/>`,
		`<?xml version="1.0" encoding="ISO-8859-1"?><thing><name>` + "\xe4" + `</name></thing>`, `<a:b xmlns:a="c"><d/></a:b>`, `<a><![CDATA[<]]>&#x41;<!-- --></a><?b c?>`,
		`<thing><name>a</name><name>b</name></thing>`, `<a></b>`, `<a/><b/>`, `x<a/>`, `<a><?xml version="1.0"?></a>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var strict thing
		err := strictxml.Unmarshal(data, &strict)
		if err != nil {
			if _, ok := errors.AsType[*strictxml.Error](err); !ok {
				t.Fatalf("%v is no *Error", err)
			}
			return
		}
		if !utf8.ValidString(strict.ID + strict.Name.Value) {
			t.Fatal("invalid UTF-8 comes out")
		}
		text := strings.TrimPrefix(string(data), "\ufeff")
		if strings.Contains(text, "encoding") || strings.Contains(text, ":") || !utf8.ValidString(text) {
			return
		}
		var lax struct {
			ID   string   `xml:"id,attr"`
			Name string   `xml:"name"`
			Tags []string `xml:"tags>tag"`
		}
		d := xml.NewDecoder(strings.NewReader(text))
		d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
		if err := d.Decode(&lax); err != nil {
			t.Fatalf("taken, but encoding/xml says %v", err)
		}
		if strict.ID != lax.ID || strict.Name.Value != strings.TrimSpace(lax.Name) || strings.Join(strict.Tags.Value.Tag, "\x00") != strings.Join(lax.Tags, "\x00") {
			t.Fatalf("%+v is not %+v", strict, lax)
		}
	})
}
