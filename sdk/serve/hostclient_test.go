package serve

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/host"
	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestReadsReachTheHostWithTheirScope(t *testing.T) {
	t.Parallel()
	core := &recordingHost{}
	h := dialled(t, core, "the token", "the token")
	ctx := t.Context()

	page, err := h.FindPackages(ctx, "s", spec.Finder{Name: "a", WithTags: true})
	expect(t, "find", page, spec.FoundPage{Packages: []spec.FoundPackage{{Package: spec.Package{ID: 5}}}, NextPageToken: "n"}, err)
	rows, err := h.SelectRows(ctx, "s", spec.RowSelect{Table: "m", Where: spec.Row{"a": int64(1)}, Limit: 3})
	expect(t, "select", rows, []spec.Row{{"b": "x"}}, err)
	rows, err = h.RunQuery(ctx, "s", spec.QueryCall{Name: "q", Arguments: []any{"x", nil}})
	expect(t, "query", rows, []spec.Row{{"c": nil}}, err)
	results, err := h.Batch(ctx, "s", []spec.ReadCall{{Find: &spec.Finder{Name: "a"}}, {Query: &spec.QueryCall{Name: "q"}}})
	expect(t, "batch", results, []spec.ReadResult{{Page: spec.FoundPage{NextPageToken: "b"}}, {Rows: []spec.Row{{"d": true}}}}, err)
	archive, err := h.ReadArchive(ctx, "s", spec.ArchiveRead{File: spec.FileRef{UploadHandle: "u"}, Kind: spec.Zip, Globs: []string{"*"}})
	expect(t, "archive", archive, spec.Archive{FileCount: 2, Refusal: "a link"}, err)
	data, size, err := h.ReadFile(ctx, "s", spec.FileRef{FileID: 4}, 10, 20)
	expect(t, "file", data, []byte("bytes"), err)
	expect(t, "size", size, int64(99), err)

	want := []any{
		spec.Finder{Name: "a", WithTags: true},
		spec.RowSelect{Table: "m", Where: spec.Row{"a": int64(1)}, Limit: 3},
		spec.QueryCall{Name: "q", Arguments: []any{"x", nil}},
		[]spec.ReadCall{{Find: &spec.Finder{Name: "a"}}, {Query: &spec.QueryCall{Name: "q"}}},
		spec.ArchiveRead{File: spec.FileRef{UploadHandle: "u"}, Kind: spec.Zip, Globs: []string{"*"}},
		[]any{spec.FileRef{FileID: 4}, int64(10), int64(20)},
	}
	if !reflect.DeepEqual(core.asked, want) {
		t.Errorf("the host was asked %+v", core.asked)
	}
	for _, scope := range core.scopes {
		if scope != "s" {
			t.Errorf("scope %q", scope)
		}
	}
}

func TestACallWithoutTheTokenIsRefused(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"another token", "the toke", "the token "} {
		core := &recordingHost{}
		h := dialled(t, core, "the token", token)
		_, err := h.FindPackages(t.Context(), "s", spec.Finder{})
		if err == nil || !strings.Contains(err.Error(), "one plugin process") || len(core.asked) != 0 {
			t.Errorf("token %q: %v, host was asked %v", token, err, core.asked)
		}
	}
}

func TestAnErrorOfTheHostKeepsItsWords(t *testing.T) {
	t.Parallel()
	h := dialled(t, &recordingHost{err: errors.New("unknown column \"x\"")}, "t", "t")
	_, err := h.SelectRows(t.Context(), "s", spec.RowSelect{Table: "m"})
	if err == nil || err.Error() != `select rows: unknown column "x"` {
		t.Errorf("got %v", err)
	}
}

func TestAPanicOfTheHostEndsTheCallOnly(t *testing.T) {
	t.Parallel()
	h := dialled(t, nil, "t", "t")
	for range 2 {
		if _, err := h.FindPackages(t.Context(), "s", spec.Finder{}); err == nil || !strings.Contains(err.Error(), "panic in") {
			t.Errorf("got %v", err)
		}
	}
}

func TestTheEndOfTheContextIsRecognisable(t *testing.T) {
	t.Parallel()
	h := dialled(t, &recordingHost{}, "t", "t")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.FindPackages(ctx, "s", spec.Finder{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func dialled(t *testing.T, h spec.Host, token, sent string) *hostClient {
	t.Helper()
	socket := listening(t, host.NewServer(h, token))
	c, err := dialHost(&pb.ConfigureRequest_HostEndpoint{SocketPath: socket, Token: sent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func expect(t *testing.T, what string, got, want any, err error) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, %v; want %+v", what, got, err, want)
	}
}

// recordingHost remembers what it was asked and answers the same always.
type recordingHost struct {
	err    error
	asked  []any
	scopes []string
}

func (h *recordingHost) note(scope string, asked any) error {
	h.scopes, h.asked = append(h.scopes, scope), append(h.asked, asked)
	return h.err
}

func (h *recordingHost) FindPackages(_ context.Context, scope string, f spec.Finder) (spec.FoundPage, error) {
	return spec.FoundPage{Packages: []spec.FoundPackage{{Package: spec.Package{ID: 5}}}, NextPageToken: "n"}, h.note(scope, f)
}

func (h *recordingHost) SelectRows(_ context.Context, scope string, s spec.RowSelect) ([]spec.Row, error) {
	return []spec.Row{{"b": "x"}}, h.note(scope, s)
}

func (h *recordingHost) RunQuery(_ context.Context, scope string, q spec.QueryCall) ([]spec.Row, error) {
	return []spec.Row{{"c": nil}}, h.note(scope, q)
}

func (h *recordingHost) Batch(_ context.Context, scope string, calls []spec.ReadCall) ([]spec.ReadResult, error) {
	return []spec.ReadResult{{Page: spec.FoundPage{NextPageToken: "b"}}, {Rows: []spec.Row{{"d": true}}}}, h.note(scope, calls)
}

func (h *recordingHost) ReadArchive(_ context.Context, scope string, r spec.ArchiveRead) (spec.Archive, error) {
	return spec.Archive{FileCount: 2, Refusal: "a link"}, h.note(scope, r)
}

func (h *recordingHost) ReadFile(_ context.Context, scope string, f spec.FileRef, offset, length int64) ([]byte, int64, error) {
	return []byte("bytes"), 99, h.note(scope, []any{f, offset, length})
}
