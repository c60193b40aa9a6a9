package example_test

import (
	"net/http"
	"testing"

	"github.com/pakhus/pakhus/sdk/internal/example"
	"github.com/pakhus/pakhus/sdk/plugintest"
)

func put(path, content string) plugintest.Request {
	return plugintest.Request{Method: http.MethodPut, Path: path, Body: []byte(content)}
}

func TestUploadDownloadList(t *testing.T) {
	t.Parallel()
	reg := plugintest.New(t, example.Plugin(), plugintest.State{})

	uploaded := reg.Do(put("tool/1.0/a.txt", "first"))
	plugintest.Golden(t, "upload", uploaded)
	reg.Apply(uploaded)
	reg.Apply(reg.Do(put("tool/1.0/b.txt", "second")))
	reg.Apply(reg.Do(put("tool/2.0/a.txt", "third")))

	plugintest.Golden(t, "download", reg.Do(plugintest.Request{Path: "tool/1.0/b.txt"}))
	plugintest.Golden(t, "list", reg.Do(plugintest.Request{Path: "tool"}))
}

func TestAFileIsNeverReplaced(t *testing.T) {
	t.Parallel()
	reg := plugintest.New(t, example.Plugin(), plugintest.State{})
	reg.Send(put("tool/1.0/a.txt", "first"))

	second := reg.Send(put("tool/1.0/a.txt", "second"))

	if second.Response.Status != http.StatusConflict {
		t.Errorf("a second upload of a file answers %d, want 409", second.Response.Status)
	}
	if got := reg.Do(plugintest.Request{Path: "tool/1.0/a.txt"}); string(got.Response.Body) != "first" {
		t.Errorf("the file is now %q", got.Response.Body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, path string
		want               int
	}{
		{"a file that is not there", "GET", "tool/1.0/a.txt", http.StatusNotFound},
		{"a name with a tilde", "GET", "to~ol", http.StatusNotFound},
		{"a parent folder", "GET", "tool/%2e%2e/a.txt", http.StatusBadRequest},
		{"an escaped slash", "GET", "tool%2F1.0/a.txt", http.StatusBadRequest},
		{"a method that no route has", "DELETE", "tool", http.StatusMethodNotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reg := plugintest.New(t, example.Plugin(), plugintest.State{})
			got := reg.Do(plugintest.Request{Method: c.method, Path: c.path})
			if got.Response.Status != c.want {
				t.Errorf("%d %s, want %d", got.Response.Status, got.Response.Body, c.want)
			}
		})
	}
}
