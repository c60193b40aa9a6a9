package strictjson_test

import (
	stdjson "encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pakhus/pakhus/sdk/strictjson"
)

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, document, reason, pointer string }{
		{"nothing", "", "no document", ""},
		{"white space", " \n", "no document", ""},
		{"cut off", `{"a":[1,`, "ends too early", ""},
		{"two documents", `{} {}`, "data after the document", ""},
		{"rubbish after", `{}x`, "data after the document", ""},
		{"a name twice", `{"a":1,"b":{"c":1,"c":2}}`, "a name occurs twice", "/b/c"},
		{"a name twice, once escaped", `{"a":1,"\u0061":2}`, "a name occurs twice", "/a"},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", "invalid UTF-8", ""},
		{"half a surrogate pair", `{"a":"\ud800"}`, "", ""},
		{"NUL in a value", `{"a":["x\u0000"]}`, "NUL in a string", "/a/0"},
		{"NUL in a name", `{"\u0000":1}`, "NUL in a string", ""},
		{"too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "more than 64 nested", ""},
		{"a comment", `{/* */}`, "not valid JSON", ""},
		{"a comma at the end", `[1,]`, "not valid JSON", ""},
		{"a single quote", `{'a':1}`, "not valid JSON", ""},
		{"NaN", `NaN`, "not valid JSON", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := strictjson.Valid([]byte(c.document))
			problem, ok := errors.AsType[*strictjson.Error](err)
			if !ok {
				t.Fatalf("%q: %v, want an *Error", c.document, err)
			}
			if !strings.Contains(err.Error(), c.reason) || c.pointer != "" && problem.Pointer != c.pointer {
				t.Errorf("%q: %v at %q, want %q at %q", c.document, err, problem.Pointer, c.reason, c.pointer)
			}
			var v any
			if err := strictjson.Unmarshal([]byte(c.document), &v); err == nil {
				t.Errorf("%q: Valid refuses what Unmarshal takes", c.document)
			}
		})
	}
}

func TestTaken(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`null`, ` {"a":1} `, `"\\u0000 is text"`, `"😀"`, `-0.5e10`, `{"":{"":[]}}`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64),
	} {
		if err := strictjson.Valid([]byte(document)); err != nil {
			t.Errorf("%s: %v", document, err)
		}
	}
}

func TestAFieldFitsOnlyInItsOwnCase(t *testing.T) {
	t.Parallel()
	var v struct {
		Name string `json:"name"`
	}
	if err := strictjson.Unmarshal([]byte(`{"name":"a","Name":"b","NAME":"c"}`), &v); err != nil {
		t.Fatal(err)
	}
	if v.Name != "a" {
		t.Errorf("name is %q, want that of the member in the same case", v.Name)
	}
}

func TestUnknownFieldsAreRefusedOnRequest(t *testing.T) {
	t.Parallel()
	var v struct {
		Inner struct {
			Name string `json:"name"`
		} `json:"inner"`
	}
	document := []byte(`{"inner":{"name":"a","extra":true}}`)
	if err := strictjson.Unmarshal(document, &v); err != nil {
		t.Errorf("by default: %v", err)
	}
	err := strictjson.Unmarshal(document, &v, strictjson.RefuseUnknown())
	problem, ok := errors.AsType[*strictjson.Error](err)
	if !ok || problem.Pointer != "/inner/extra" || problem.Reason != "unknown field" {
		t.Errorf("%v, want an unknown field at /inner/extra", err)
	}
}

func TestAnErrorQuotesNoValue(t *testing.T) {
	t.Parallel()
	var v struct {
		Password int `json:"password"`
	}
	err := strictjson.Unmarshal([]byte(`{"password":"hunter2"}`), &v)
	problem, ok := errors.AsType[*strictjson.Error](err)
	if !ok || problem.Pointer != "/password" || problem.Reason != "unexpected string" {
		t.Fatalf("%v, want an unexpected string at /password", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error repeats the value: %v", err)
	}
}

func TestARawMessageStaysAsItStood(t *testing.T) {
	t.Parallel()
	var v struct {
		Raw strictjson.RawMessage `json:"raw"`
		Std stdjson.RawMessage    `json:"std"`
	}
	if err := strictjson.Unmarshal([]byte(`{"raw":{"b":1.50, "a":"\u00e9"},"std":[1e3]}`), &v); err != nil {
		t.Fatal(err)
	}
	if string(v.Raw) != `{"b":1.50, "a":"\u00e9"}` || string(v.Std) != `[1e3]` {
		t.Errorf("raw %s, std %s", v.Raw, v.Std)
	}
}

// What is taken here, encoding/json takes too, and sees the same in it.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2,{"b":null}],"c":"\u00e9\n"}`, `{"a":1,"a":2}`, `"\u0000"`, `[[[]]]`, `1e400`, "\"\xff\"", `{"name":"x","Name":"y"}`, ` 1 2`, `"\ud83d\ude00"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var strict any
		err := strictjson.Unmarshal(data, &strict)
		if valid := strictjson.Valid(data); valid != nil && err == nil {
			t.Fatalf("taken, but not valid: %v", valid)
		}
		if err != nil {
			return
		}
		if !utf8.Valid(data) {
			t.Fatal("invalid UTF-8 is taken")
		}
		var lax any
		if err := stdjson.Unmarshal(data, &lax); err != nil {
			t.Fatalf("taken, but encoding/json says %v", err)
		}
		a, errA := stdjson.Marshal(strict)
		b, errB := stdjson.Marshal(lax)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Fatalf("%s (%v) is not %s (%v)", a, errA, b, errB)
		}
	})
}

func BenchmarkValid(b *testing.B) {
	document := []byte(`{"versions":{"1.0.0":{"name":"demo","scripts":{"test":"` + strings.Repeat("x", 4096) + `"},"files":["a","b","c"]}}}`)
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		if err := strictjson.Valid(document); err != nil {
			b.Fatal(err)
		}
	}
}
