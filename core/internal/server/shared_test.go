package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/sdk/spec"
)

// What one caller's request made is given to others: nothing of the caller may be in it.
func TestASharedAnswerIsMadeForNobody(t *testing.T) {
	t.Parallel()
	r := &spec.Request{
		Header: http.Header{"User-Agent": {"npm"}},
		Query:  map[string][]string{"write": {"true", "false"}, "other": {"x"}},
		Params: map[string]string{"name": "a"},
	}
	r.Actor = spec.Actor{Kind: spec.User, ID: 7, Username: "ann"}
	forEverybody(r, &spec.CachePolicy{Keys: []string{"{name}"}, VaryQuery: []string{"write", "absent"}})
	if r.Actor != (spec.Actor{Kind: spec.Anonymous}) || len(r.Header) != 0 {
		t.Errorf("made for %+v with %v", r.Actor, r.Header)
	}
	if len(r.Query) != 1 || !slices.Equal(r.Query["write"], []string{"true", "false"}) {
		t.Errorf("made for the query %v", r.Query)
	}
	if r.Params["name"] != "a" {
		t.Error("the parameters, which are part of the tag, are gone")
	}
}

func TestNoSharedCacheKeepsAnAnswer(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"":                              "private, no-cache",
		"no-store":                      "private, no-store",
		"public, max-age=60":            "private, max-age=60",
		"Public, s-maxage=9, immutable": "private, immutable",
		"private, max-age=5":            "private, max-age=5",
	} {
		h := http.Header{}
		if said != "" {
			h.Set("Cache-Control", said)
		}
		privately(h)
		if got := h.Values("Cache-Control"); len(got) != 1 || got[0] != want {
			t.Errorf("%q became %q, not %q", said, got, want)
		}
	}
}

// A test's context of gin, with the server's own answers as they go out.
func served(t *testing.T, handler func(s *Server, c *gin.Context)) *http.Response {
	t.Helper()
	s := &Server{Config: Config{Log: hclog.NewNullLogger()}}
	e := gin.New()
	e.Use(s.begin, s.recoverPanic)
	e.GET("/", func(c *gin.Context) { handler(s, c) })
	ts := httptest.NewServer(e)
	t.Cleanup(ts.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ts.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestAnAnswerWithoutABodyHasNoLength(t *testing.T) {
	t.Parallel()
	resp := served(t, func(s *Server, c *gin.Context) {
		s.write(&call{c: c}, spec.HTTPResponse{Status: http.StatusNoContent})
	})
	if v, ok := resp.Header["Content-Length"]; ok || resp.StatusCode != http.StatusNoContent {
		t.Errorf("%d with Content-Length %v", resp.StatusCode, v)
	}
}

func TestARefusalHasNothingOfTheAnswerThatFailed(t *testing.T) {
	t.Parallel()
	resp := served(t, func(s *Server, c *gin.Context) {
		for _, name := range []string{"ETag", "Content-Encoding", "Content-Disposition", "Last-Modified"} {
			c.Header(name, "x")
		}
		s.fail(c, unreadable(nil))
	})
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	for _, name := range []string{"ETag", "Content-Encoding", "Content-Disposition", "Last-Modified"} {
		if v := resp.Header.Get(name); v != "" {
			t.Errorf("%s: %s", name, v)
		}
	}
}

// Time that ran out below is a fault of the moment, not of the registry.
func TestTimeThatRanOutIsNoBug(t *testing.T) {
	t.Parallel()
	resp := served(t, func(s *Server, c *gin.Context) {
		s.fail(c, fmt.Errorf("read generations: %w", context.DeadlineExceeded))
	})
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

func TestAnAnswerThatPanicsHalfwayLooksBroken(t *testing.T) {
	t.Parallel()
	resp := served(t, func(_ *Server, c *gin.Context) {
		_, _ = c.Writer.WriteString("half")
		c.Writer.Flush()
		panic("oops")
	})
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a whole answer: %q", body)
	}
}

// deadlines is a connection that notes until when it may be read from.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// A deadline that outlives the body would, once passed, look as if the client
// had gone away while its package is being committed.
func TestTheDeadlineOfABodyEndsWithIt(t *testing.T) {
	t.Parallel()
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	c, _ := gin.CreateTestContext(w)
	c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/", strings.NewReader("{}"))
	s := &Server{Config: Config{MaxFileBytes: func(string) int64 { return 0 }}}
	r := &call{c: c, manifest: &spec.Manifest{}, route: &spec.Route{Body: spec.BodyPolicy{Kind: spec.BodyInline, MaxBytes: 10}}}
	if body, err := s.receive(r); err != nil || string(body.Document) != "{}" {
		t.Fatal(body, err)
	}
	if n := len(w.set); n < 2 || w.set[0].IsZero() || !w.set[n-1].IsZero() {
		t.Errorf("deadlines %v", w.set)
	}
}
