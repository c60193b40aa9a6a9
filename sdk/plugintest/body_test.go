package plugintest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/plugintest"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("package", "a.nupkg")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte("zip")); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteField("note", "hello"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	attachments := sdk.JSONAttachments(1<<10,
		sdk.Attachment{Path: []string{"files", "*.tgz", "data"}, Encoding: sdk.EncodingBase64},
		sdk.Attachment{Path: []string{"text"}, Encoding: sdk.EncodingText})
	for _, c := range []struct {
		name   string
		policy sdk.BodyPolicy
		header http.Header
		body   string
		want   string
	}{
		{"none", sdk.NoBody(), nil, "ignored", "200 "},
		{"inline", sdk.Inline(8), nil, "abc", "200 body=abc"},
		{"inline, gzip", sdk.Inline(8), http.Header{"Content-Encoding": {"gzip"}}, gzipped("abc"), "200 body=abc"},
		{"inline, too large unpacked", sdk.Inline(8), http.Header{"Content-Encoding": {"gzip"}}, gzipped("123456789"), "413 the body is too large"},
		{"inline, not gzip", sdk.Inline(8), http.Header{"Content-Encoding": {"gzip"}}, "abc", "400 the body is not gzip"},
		{"raw", sdk.RawFileInline(3), http.Header{"Content-Type": {"text/x"}}, "abc", "200 upload-1||text/x|3|abc"},
		{"raw, over the inline bound", sdk.RawFileInline(2), nil, "abc", "200 upload-1|||3|"},
		{"raw, too large", sdk.RawFile(), nil, strings.Repeat("x", 1025), "413 File is too large."},
		{"multipart", sdk.Multipart(), http.Header{"Content-Type": {w.FormDataContentType()}}, form.String(), "200 upload-1|package|application/octet-stream|3| note=hello"},
		{"multipart, cut off in a file", sdk.Multipart(), http.Header{"Content-Type": {w.FormDataContentType()}}, form.String()[:strings.Index(form.String(), "zip")+2], "400 the multipart body is broken"},
		{"multipart, cut off in a header", sdk.Multipart(), http.Header{"Content-Type": {w.FormDataContentType()}}, form.String()[:strings.Index(form.String(), "filename")], "400 the multipart body is broken"},
		{"multipart, without its end", sdk.Multipart(), http.Header{"Content-Type": {w.FormDataContentType()}}, strings.TrimSuffix(form.String(), "--\r\n"), "400 the multipart body is broken"},
		{"not multipart", sdk.Multipart(), nil, "abc", "400 the request is not multipart/form-data"},
		{
			"attachments", attachments, nil, `{"n":1.50,"files":{"@s/a-1.tgz":{"data":"YWJj","length":3},"b.txt":{"data":"YWJj"}},"text":"\u00e9"}`,
			`200 upload-1|files/@s/a-1.tgz/data|application/octet-stream|3| upload-2|text||2| body={"n":1.50,"files":{"@s/a-1.tgz":{"data":{"$upload":"upload-1"},"length":3},"b.txt":{"data":"YWJj"}},"text":{"$upload":"upload-2"}}`,
		},
		{"an attachment that is no base64", attachments, nil, `{"files":{"a.tgz":{"data":"%"}}}`, "400 an attachment is not base64"},
		{"a handle from outside", attachments, nil, `{"files":{"a.tgz":{"data":{"$upload":"upload-1"}}}}`, `400 the document has a "$upload" of its own`},
		{"no JSON", attachments, nil, `{`, "400 the document ends too early at byte 1"},
		{"a document that is too large", attachments, nil, `{"x":"` + strings.Repeat("x", 1<<10) + `"}`, "413 the document is too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reg := plugintest.New(t, plugin(c.policy, describe), plugintest.State{})
			got := reg.Do(plugintest.Request{Method: "PUT", Path: "demo", Header: c.header, Body: []byte(c.body)})
			if text := fmt.Sprintf("%d %s", got.Response.Status, got.Response.Body); text != c.want {
				t.Errorf("%s\nwant %s", text, c.want)
			}
		})
	}
}

// describe answers with what is left of the body.
func describe(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	var words []string
	for _, u := range r.Uploads {
		words = append(words, fmt.Sprintf("%s|%s|%s|%d|%s", u.Handle, u.Part, u.ContentType, u.Size, u.Inline))
		if len(u.Digests.SHA256) != 32 || len(u.Digests.MD5) != 16 || len(u.Digests.SHA512) != 64 {
			words = append(words, "without digests")
		}
	}
	if note := r.Form("note"); note != "" {
		words = append(words, "note="+note)
	}
	if len(r.Body()) > 0 {
		words = append(words, "body="+string(r.Body()))
	}
	return sdk.Text(http.StatusOK, strings.Join(words, " ")), nil
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func TestArchives(t *testing.T) {
	t.Parallel()
	read := func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		file, err := r.File()
		if err != nil {
			return nil, err
		}
		a, err := r.Files.Archive(ctx, sdk.ArchiveRead{File: sdk.UploadRef(file), Kind: sdk.TarGzip, Globs: []string{"*/package.json"}, MaxMemberBytes: 8})
		if err != nil {
			return nil, err
		}
		if a.Refusal != "" {
			return nil, sdk.BadRequest("%s", a.Refusal)
		}
		_, size, err := r.Files.Read(ctx, sdk.UploadRef(file), 0, 1)
		if err != nil || size != file.Size {
			return nil, fmt.Errorf("size %d: %w", size, err)
		}
		return sdk.Text(http.StatusOK, fmt.Sprint(a.FileCount, " ", a.UnpackedBytes, " ", len(a.Members))), nil
	}
	regular := func(name, content string) tarEntry {
		return tarEntry{tar.Header{Name: name, Typeflag: tar.TypeReg}, content}
	}
	for _, c := range []struct {
		name    string
		content string
		want    string
	}{
		{"taken", tarred(t, regular("package/package.json", "{}"), regular("package/a.js", "1234")), "200 2 6 1"},
		{"no archive", "abc", "not a gzip archive"},
		{"cut off", tarred(t, regular("package/package.json", "{}"))[:40], "broken"},
		{"a parent", tarred(t, regular("package/../../x", "")), "unsafe path"},
		{"an absolute path", tarred(t, regular("/x", "")), "unsafe path"},
		{"a path twice", tarred(t, regular("p/x", ""), regular("p/./x", "")), "a path twice"},
		{"a link", tarred(t, tarEntry{tar.Header{Name: "p/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""}), "link or special"},
		{"too large a member", tarred(t, regular("p/package.json", "123456789")), "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := plugin(sdk.RawFile(), read)
			p.Errors = sdk.ErrorText
			got := plugintest.New(t, p, plugintest.State{}).Do(plugintest.Request{Method: "PUT", Path: "demo", Body: []byte(c.content)})
			if text := fmt.Sprintf("%d %s", got.Response.Status, got.Response.Body); !strings.Contains(text, c.want) {
				t.Errorf("%s, want %s", text, c.want)
			}
		})
	}
}

type tarEntry struct {
	header  tar.Header
	content string
}

func tarred(t *testing.T, entries ...tarEntry) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		e.header.Size, e.header.Mode = int64(len(e.content)), 0o644
		if err := w.WriteHeader(&e.header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return gzipped(b.String())
}
