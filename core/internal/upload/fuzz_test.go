package upload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// FuzzJSONAttachments compares with encoding/json: what is accepted is JSON,
// the files are what stood at their places and all the rest is as it was; what
// is refused is against a rule.
func FuzzJSONAttachments(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"x/1":{"d":"QUJD"}},"t":"text","n":[1,2.5e3,true,null,{"d":"x"}]}`,
		`{"t":"\ud834\udd1e \u00fc\/\"","a":{"*":{"d":"QU\/B\u0041=="}}}`,
		` [ {"t":"x"} , "t" ] `, `"t"`, `1`, `66E666`, `{}`, `{"a":{"x1":{"d":{"d":"AA=="}}},"t":7}`,
		`{"t":"a","t":"b"}`, `{"$upload":"x"}`, `{"a":{"x1":{"d":"A"}}}`, "{\"t\":\"\xff\"}", `{"t":"\u0000"}`, `{"t":"` + strings.Repeat("ü", 300) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := setup(spec.BodyJSONAttachments)
		in.policy.Attachments = []spec.Attachment{
			{Path: []string{"a", "x*", "d"}, Encoding: spec.EncodingBase64},
			{Path: []string{"t"}, Encoding: spec.EncodingText},
		}
		body, err := in.receive(t, data)
		rule := againstTheRules(t, data)
		if err != nil {
			if rule == "" {
				t.Fatalf("refused, and against no rule: %v", err)
			}
			if code := registry.CodeOf(err); code != registry.CodeInvalid {
				t.Fatalf("refused with code %d: %v", code, err)
			}
			in.wantEmpty(t)
			return
		}
		if rule != "" {
			t.Fatalf("accepted: %s", rule)
		}
		files := map[string]string{}
		for _, file := range body.Files {
			files[file.Handle] = string(content(t, file))
		}
		if got, want := restore(decode(t, body.Document), files), decoded(decode(t, data)); !reflect.DeepEqual(got, want) {
			t.Fatalf("the document is\n%#v, want\n%#v", got, want)
		}
		if len(files) > 0 {
			t.Fatalf("files without a place: %v", files)
		}
	})
}

// againstTheRules says why a document must be refused; empty: it must not.
func againstTheRules(t *testing.T, data []byte) string {
	t.Helper()
	if !json.Valid(data) {
		return "not JSON"
	}
	if err := strictjson.Valid(data); err != nil {
		return err.Error()
	}
	doc := decode(t, data)
	if reserved(doc) {
		return "a handle"
	}
	for path, text := range base64Places(doc) {
		if strings.ContainsAny(text, "\r\n") {
			return path
		}
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return path
		}
	}
	return ""
}

func reserved(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if key == "$upload" || reserved(value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, reserved)
	}
	return false
}

// base64Places returns the strings at a/x*/d.
func base64Places(doc any) map[string]string {
	found := map[string]string{}
	root, _ := doc.(map[string]any)
	a, _ := root["a"].(map[string]any)
	for key, value := range a {
		inner, _ := value.(map[string]any)
		if text, ok := inner["d"].(string); ok && strings.HasPrefix(key, "x") {
			found[key] = text
		}
	}
	return found
}

func decode(t *testing.T, data []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// decoded puts the bytes in the place of their base64.
func decoded(doc any) any {
	for key, text := range base64Places(doc) {
		data, _ := base64.StdEncoding.DecodeString(text)
		doc.(map[string]any)["a"].(map[string]any)[key].(map[string]any)["d"] = string(data)
	}
	return doc
}

// restore puts files in the place of their handles, and takes them out of files.
func restore(v any, files map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		if handle, ok := v["$upload"].(string); ok {
			content := files[handle]
			delete(files, handle)
			return content
		}
		for key := range maps.Clone(v) {
			v[key] = restore(v[key], files)
		}
	case []any:
		for i := range v {
			v[i] = restore(v[i], files)
		}
	}
	return v
}

// FuzzMultipart looks for panics, leftovers, and files that nobody sent.
func FuzzMultipart(f *testing.F) {
	f.Add([]byte(part("name=f; filename=f", "content") + part("name=a", "b") + "--b--"))
	f.Add([]byte("--b\r\n\r\n\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := setup(spec.BodyMultipart)
		in.policy.MaxFiles = 4
		in.header.Set("Content-Type", "multipart/form-data; boundary=b")
		body, err := in.receive(t, data)
		if err != nil {
			if registry.CodeOf(err) == registry.CodeInternal {
				t.Fatalf("a fault: %v", err)
			}
			in.wantEmpty(t)
			return
		}
		if !bytes.Contains(data, []byte("--b--")) {
			t.Fatal("accepted without its end")
		}
		wantContained(t, data, body)
	})
}

func wantContained(t *testing.T, data []byte, body *upload.Body) {
	t.Helper()
	for _, file := range body.Files {
		if !bytes.Contains(data, content(t, file)) {
			t.Fatalf("a file that was not sent: %q", content(t, file))
		}
	}
}
