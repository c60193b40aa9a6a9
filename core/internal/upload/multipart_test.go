package upload_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestMultipart(t *testing.T) {
	t.Parallel()
	in := setup(spec.BodyMultipart)
	in.header.Set("Content-Type", `multipart/form-data; boundary="b"`)
	in.policy.MaxFiles = 3
	large := strings.Repeat("large", 100<<10)
	body := in.accept(t, []byte(strings.ReplaceAll(`preamble
--b
Content-Disposition: form-data; name="package"; filename="dir/demo.nupkg"
Content-Type: application/zip

`+large+`
--b
Content-Disposition: form-data; name="field"

one
--b
Content-Disposition: form-data; name="field"
Content-Transfer-Encoding: quoted-printable

=41
--b
Content-Disposition: form-data; name="symbols"; filename="empty"


--b--
epilogue`, "\n", "\r\n")))
	if len(body.Files) != 2 || len(body.Form) != 1 || strings.Join(body.Form["field"], "|") != "one|=41" {
		t.Fatalf("files %v, form %v", body.Files, body.Form)
	}
	wantFile(t, body.Files[0], []byte(large))
	wantFile(t, body.Files[1], nil)
	if f := body.Files[0]; f.Part != "package" || f.FileName != "demo.nupkg" || f.ContentType != "application/zip" {
		t.Errorf("got %q %q %q", f.Part, f.FileName, f.ContentType)
	}

	t.Run("named parts", func(t *testing.T) {
		t.Parallel()
		in := setup(spec.BodyMultipart)
		in.header.Set("Content-Type", "multipart/form-data; boundary=b")
		in.policy.FileParts = []string{"package"}
		body := in.accept(t, []byte(part(`name=package`, "p")+part(`name=other; filename=o`, "o")+"--b--"))
		if len(body.Files) != 1 || body.Files[0].Part != "package" || body.Form["other"][0] != "o" {
			t.Errorf("files %v, form %v", body.Files, body.Form)
		}
	})
}

func part(disposition, content string) string {
	return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content + "\r\n"
}

func TestMultipart_refused(t *testing.T) {
	t.Parallel()
	file := part("name=f; filename=f", strings.Repeat("x", 100<<10))
	for name, c := range map[string]struct {
		contentType, body string
		code              registry.Code
		words             string
	}{
		"not multipart":       {"application/json", "{}", registry.CodeInvalid, "not multipart/form-data"},
		"other multipart":     {"multipart/mixed; boundary=b", file + "--b--", registry.CodeInvalid, "not multipart/form-data"},
		"no boundary":         {"multipart/form-data", file + "--b--", registry.CodeInvalid, "not multipart/form-data"},
		"a long boundary":     {"multipart/form-data; boundary=" + strings.Repeat("b", 71), file + "--b--", registry.CodeInvalid, "not multipart/form-data"},
		"nothing":             {"", "", registry.CodeInvalid, "ended too early"},
		"another boundary":    {"", strings.ReplaceAll(file, "--b", "--c"), registry.CodeInvalid, "not well formed"},
		"too many files":      {"", strings.Repeat(part("name=f; filename=f", "x"), 4) + "--b--", registry.CodeInvalid, "more than 3 files"},
		"a large file":        {"", part("name=f; filename=f", strings.Repeat("x", 4<<20+1)) + "--b--", registry.CodeInvalid, "File is too large."},
		"a large field":       {"", file + part("name=a", strings.Repeat("x", 1<<20)), registry.CodeTooLarge, "larger than"},
		"fields together":     {"", strings.Repeat(part("name=a", strings.Repeat("x", 200<<10)), 6), registry.CodeTooLarge, "larger than"},
		"names of fields":     {"", strings.Repeat(part("name="+strings.Repeat("n", 100<<10), ""), 11), registry.CodeTooLarge, "larger than"},
		"no header":           {"", "--b\r\nnonsense\r\n\r\n--b--", registry.CodeInvalid, "not well formed"},
		"many parts":          {"", strings.Repeat(part("name=a", ""), 2001), registry.CodeInvalid, "more than 2000 parts"},
		"a large header":      {"", "--b\r\nX: " + strings.Repeat("x", 11<<20) + "\r\n\r\n", registry.CodeInvalid, "header"},
		"an endless preamble": {"", strings.Repeat("preamble\r\n", 2<<20), registry.CodeTooLarge, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := setup(spec.BodyMultipart)
			in.policy.MaxFiles = 3
			in.header.Set("Content-Type", "multipart/form-data; boundary=b")
			if c.contentType != "" {
				in.header.Set("Content-Type", c.contentType)
			}
			in.refuse(t, []byte(c.body), c.code, c.words)
		})
	}
}

// A body that breaks off between two parts, too, is not a body with fewer files.
func TestMultipart_everyTruncation(t *testing.T) {
	t.Parallel()
	in := setup(spec.BodyMultipart)
	in.header.Set("Content-Type", "multipart/form-data; boundary=b")
	all := part("name=f; filename=f", "content") + part("name=a", "b") + "--b--"
	in.accept(t, []byte(all)).Discard()
	for n := range all {
		in.refuse(t, []byte(all[:n]), registry.CodeInvalid, "")
	}
}
