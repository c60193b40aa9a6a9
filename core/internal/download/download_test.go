package download_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/download"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/filesystem"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/core/internal/storage/storagetest"
)

// data is larger than any buffer on its way.
func data() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 40<<10) }

func tag(data []byte) string { return fmt.Sprintf(`"%x"`, sha256.Sum256(data)) }

// handlers serve a blob as net/http and gin do.
func handlers(open func() storage.Blob, m download.Meta) map[string]http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	serve := func(w http.ResponseWriter, r *http.Request) {
		blob := open()
		defer func() { _ = blob.Close() }()
		download.Serve(w, r, blob, m)
	}
	engine.Any("/", func(c *gin.Context) { serve(c.Writer, c.Request) })
	return map[string]http.Handler{"net/http": http.HandlerFunc(serve), "gin": engine}
}

func stores(t *testing.T) map[string]storage.Blobs {
	t.Helper()
	files, err := filesystem.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]storage.Blobs{"memory": memory.New(), "filesystem": files}
}

func start(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = nil
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// ask sends a request and returns the answer with its whole body, or how the body broke off.
func ask(t *testing.T, method, url string, header map[string]string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

func TestServe(t *testing.T) {
	t.Parallel()
	all := data()
	for store, blobs := range stores(t) {
		key := storagetest.Commit(t, blobs, all)
		open := func() storage.Blob {
			b, err := blobs.Open(t.Context(), key)
			if err != nil {
				t.Error(err)
			}
			return b
		}
		for frame, h := range handlers(open, download.Meta{SHA256: key, Size: int64(len(all)), ContentType: "application/gzip", FileName: "demo-1.0.0.tgz"}) {
			t.Run(store+"/"+frame, func(t *testing.T) {
				t.Parallel()
				answers(t, start(t, h), all)
			})
		}
	}
}

// answers checks what a client may ask of a file.
func answers(t *testing.T, url string, all []byte) {
	t.Helper()
	for name, c := range map[string]struct {
		method string
		header map[string]string
		status int
		body   []byte
		length string
	}{
		"whole":                {"GET", nil, 200, all, fmt.Sprint(len(all))},
		"HEAD":                 {"HEAD", nil, 200, nil, fmt.Sprint(len(all))},
		"HEAD of a range":      {"HEAD", map[string]string{"Range": "bytes=0-9"}, 206, nil, "10"},
		"the start":            {"GET", map[string]string{"Range": "bytes=0-9"}, 206, all[:10], "10"},
		"the middle":           {"GET", map[string]string{"Range": "bytes=100001-300000"}, 206, all[100001:300001], "200000"},
		"the end":              {"GET", map[string]string{"Range": "bytes=-7"}, 206, all[len(all)-7:], "7"},
		"from somewhere":       {"GET", map[string]string{"Range": "bytes=600000-"}, 206, all[600000:], ""},
		"beyond the end":       {"GET", map[string]string{"Range": "bytes=9999999-"}, 416, nil, ""},
		"of the same content":  {"GET", map[string]string{"Range": "bytes=0-9", "If-Range": tag(all)}, 206, all[:10], "10"},
		"of other content":     {"GET", map[string]string{"Range": "bytes=0-9", "If-Range": `"other"`}, 200, all, ""},
		"known":                {"GET", map[string]string{"If-None-Match": tag(all)}, 304, nil, ""},
		"known, among others":  {"GET", map[string]string{"If-None-Match": `"a", W/` + tag(all)}, 304, nil, ""},
		"known, by HEAD":       {"HEAD", map[string]string{"If-None-Match": tag(all)}, 304, nil, ""},
		"not known":            {"GET", map[string]string{"If-None-Match": `"other"`}, 200, all, ""},
		"wanted as it was":     {"GET", map[string]string{"If-Match": `"other"`}, 412, nil, ""},
		"more ranges than all": {"GET", map[string]string{"Range": "bytes=0-,0-,0-"}, 200, all, ""},
	} {
		res, body, err := ask(t, c.method, url, c.header)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if res.StatusCode != c.status || c.status < 300 && !bytes.Equal(body, c.body) {
			t.Errorf("%s: status %d with %d bytes, want %d with %d", name, res.StatusCode, len(body), c.status, len(c.body))
		}
		if c.length != "" && res.Header.Get("Content-Length") != c.length {
			t.Errorf("%s: Content-Length %s, want %s", name, res.Header.Get("Content-Length"), c.length)
		}
		wantHeaders(t, name, res, all)
	}
	severalRanges(t, url, all)
}

func wantHeaders(t *testing.T, name string, res *http.Response, all []byte) {
	t.Helper()
	want := map[string]string{
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
	}
	if res.StatusCode < 400 {
		want["ETag"] = tag(all)
	}
	if res.StatusCode < 300 {
		want["Content-Type"] = "application/gzip"
		want["Content-Disposition"] = "attachment; filename=demo-1.0.0.tgz"
		want["Accept-Ranges"] = "bytes"
	}
	for header, value := range want {
		if got := res.Header.Get(header); got != value {
			t.Errorf("%s: %s is %q, want %q", name, header, got, value)
		}
	}
}

func severalRanges(t *testing.T, url string, all []byte) {
	t.Helper()
	res, body, err := ask(t, "GET", url, map[string]string{"Range": "bytes=0-99999,200000-300000"})
	if err != nil || res.StatusCode != http.StatusPartialContent {
		t.Errorf("several ranges: %v", err)
		return
	}
	_, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		t.Error(err)
		return
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for _, want := range [][]byte{all[:100000], all[200000:300001]} {
		p, err := parts.NextPart()
		if err != nil {
			t.Error(err)
			return
		}
		if got, err := io.ReadAll(p); err != nil || !bytes.Equal(got, want) {
			t.Errorf("a range of several has %d bytes, %v; want %d", len(got), err, len(want))
		}
	}
}

func TestServe_emptyFile(t *testing.T) {
	t.Parallel()
	for frame, h := range handlers(func() storage.Blob { return storage.InMemory(nil) }, download.Meta{SHA256: sha256.Sum256(nil)}) {
		t.Run(frame, func(t *testing.T) {
			t.Parallel()
			res, body, err := ask(t, "GET", start(t, h), nil)
			if err != nil || res.StatusCode != http.StatusOK || len(body) != 0 || res.Header.Get("Content-Length") != "0" ||
				res.Header.Get("Content-Type") != "application/octet-stream" {
				t.Errorf("got %v, %d bytes, %v", res, len(body), err)
			}
		})
	}
}

// Whatever a file is called, its name stays within its header.
func TestServe_fileNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                         "attachment",
		"a.tgz":                    "attachment; filename=a.tgz",
		"@scope/name-1.0.0.tgz":    "attachment; filename=name-1.0.0.tgz",
		"a b.tgz":                  `attachment; filename="a b.tgz"`,
		`a"; filename="evil.exe`:   `attachment; filename="a\"; filename=\"evil.exe"`,
		`a\`:                       `attachment; filename="a\\"`,
		"a\r\nSet-Cookie: x=y.tgz": "attachment; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x%3Dy.tgz",
		"ünï.tgz":                  "attachment; filename*=utf-8''%C3%BCn%C3%AF.tgz",
		"\xff\x00":                 "attachment; filename*=utf-8''%FF%00",
		"a/":                       "attachment",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		download.Serve(w, r, storage.InMemory([]byte("x")), download.Meta{FileName: name})
		if got := w.Header()["Content-Disposition"]; len(got) != 1 || got[0] != want {
			t.Errorf("%q is offered as %q, want %q", name, got, want)
		}
		if _, ok := w.Header()["Set-Cookie"]; ok {
			t.Errorf("%q sets a cookie", name)
		}
	}
}

// badDisk is a blob that cannot be read beyond its first good bytes.
type badDisk struct {
	storage.Blob
	good int64
}

func (b *badDisk) Read(p []byte) (int, error) {
	at, _ := b.Seek(0, io.SeekCurrent)
	if at >= b.good {
		return 0, errors.New("input/output error")
	}
	return b.Blob.Read(p[:min(int64(len(p)), b.good-at)])
}

// A client must be able to tell a whole file from the beginning of one.
func TestServe_neverAShortAnswerThatLooksWhole(t *testing.T) {
	t.Parallel()
	all := data()
	for name, open := range map[string]func(t *testing.T) storage.Blob{
		"a bad disk":                func(*testing.T) storage.Blob { return &badDisk{storage.InMemory(all), 300_000} },
		"a disk bad from the start": func(*testing.T) storage.Blob { return &badDisk{storage.InMemory(all), 0} },
		"a file cut short while it is open": func(t *testing.T) storage.Blob {
			t.Helper()
			b := fileBlob(t, all)
			f, _ := b.(storage.OSFile)
			if err := os.Truncate(f.OSFile().Name(), 300_000); err != nil {
				t.Error(err)
			}
			return b
		},
		"a file cut short before": func(t *testing.T) storage.Blob {
			t.Helper()
			return fileBlob(t, all[:300_000])
		},
	} {
		for frame, h := range handlers(func() storage.Blob { return open(t) }, download.Meta{Size: int64(len(all))}) {
			for _, ranges := range []string{"", "bytes=200000-400000", "bytes=200000-400000,0-9,250000-500000"} {
				t.Run(name+"/"+frame+"/"+ranges, func(t *testing.T) {
					t.Parallel()
					_, body, err := ask(t, "GET", start(t, h), map[string]string{"Range": ranges})
					if err == nil {
						t.Errorf("the answer of %d bytes looks whole", len(body))
					}
				})
			}
		}
	}
}

func fileBlob(t *testing.T, data []byte) storage.Blob {
	t.Helper()
	blobs, err := filesystem.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := blobs.Open(t.Context(), storagetest.Commit(t, blobs, data))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestServe_clientThatIsGone(t *testing.T) {
	t.Parallel()
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("got %v, want the connection aborted", err)
		}
	}()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(""))
	download.Serve(goneWriter{httptest.NewRecorder()}, r, storage.InMemory(data()), download.Meta{})
	t.Error("it returned as if all had been sent")
}

type goneWriter struct{ *httptest.ResponseRecorder }

func (goneWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
