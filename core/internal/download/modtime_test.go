package download_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/download"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/core/internal/storage/storagetest"
)

// TestServe_whenItWasStored: clients without entity tags ask by time. HTTP's
// times are whole seconds; what was stored is some fraction later.
func TestServe_whenItWasStored(t *testing.T) {
	t.Parallel()
	all, blobs := data(), memory.New()
	key := storagetest.Commit(t, blobs, all)
	open := func() storage.Blob {
		b, err := blobs.Open(t.Context(), key)
		if err != nil {
			t.Error(err)
		}
		return b
	}
	stored := time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.FixedZone("", 3600))
	at := func(later time.Duration) string { return stored.Add(later).UTC().Format(http.TimeFormat) }
	meta := download.Meta{SHA256: key, Size: int64(len(all)), FileName: "x", ModTime: stored}
	for frame, h := range handlers(open, meta) {
		t.Run(frame, func(t *testing.T) {
			t.Parallel()
			url := start(t, h)
			for name, c := range map[string]struct {
				header map[string]string
				status int
				body   []byte
			}{
				"unasked":                          {nil, 200, all},
				"modified since before":            {map[string]string{"If-Modified-Since": at(-time.Second)}, 200, all},
				"not modified since then":          {map[string]string{"If-Modified-Since": at(0)}, 304, nil},
				"not modified since later":         {map[string]string{"If-Modified-Since": at(time.Hour)}, 304, nil},
				"since no time at all":             {map[string]string{"If-Modified-Since": "yesterday"}, 200, all},
				"other content, whatever the time": {map[string]string{"If-Modified-Since": at(time.Hour), "If-None-Match": `"other"`}, 200, all},
				"unmodified since then":            {map[string]string{"If-Unmodified-Since": at(0)}, 200, all},
				"not unmodified since before":      {map[string]string{"If-Unmodified-Since": at(-time.Second)}, 412, nil},
				"a range of what it was then":      {map[string]string{"Range": "bytes=5-9", "If-Range": at(0)}, 206, all[5:10]},
				"a range of what it was before":    {map[string]string{"Range": "bytes=5-9", "If-Range": at(-time.Second)}, 200, all},
				"a range of what it will be":       {map[string]string{"Range": "bytes=5-9", "If-Range": at(time.Second)}, 200, all},
				"a range, if still unmodified":     {map[string]string{"Range": "bytes=5-9", "If-Unmodified-Since": at(0)}, 206, all[5:10]},
				"a range, if it had not changed":   {map[string]string{"Range": "bytes=5-9", "If-Unmodified-Since": at(-time.Second)}, 412, nil},
				"a range by a weak tag is whole":   {map[string]string{"Range": "bytes=5-9", "If-Range": "W/" + tag(all)}, 200, all},
			} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					res, body, err := ask(t, method, url, c.header)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						continue
					}
					if res.StatusCode != c.status || (method == http.MethodGet && c.status < 300 && !bytes.Equal(body, c.body)) {
						t.Errorf("%s %s: status %d with %d bytes, want %d with %d", method, name, res.StatusCode, len(body), c.status, len(c.body))
					}
					if got := res.Header.Get("Last-Modified"); c.status < 300 && got != at(0) {
						t.Errorf("%s %s: Last-Modified is %q, want %q", method, name, got, at(0))
					}
				}
			}
		})
	}
}

// An upload that is sent back has no time yet, and says none.
func TestServe_withoutATime(t *testing.T) {
	t.Parallel()
	blobs := memory.New()
	key := storagetest.Commit(t, blobs, []byte("x"))
	for frame, h := range handlers(func() storage.Blob { b, _ := blobs.Open(t.Context(), key); return b }, download.Meta{SHA256: key, Size: 1}) {
		res, _, err := ask(t, http.MethodGet, start(t, h), map[string]string{"If-Modified-Since": time.Now().UTC().Format(http.TimeFormat)})
		if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Last-Modified") != "" {
			t.Errorf("%s: %v, %v", frame, res, err)
		}
	}
}
