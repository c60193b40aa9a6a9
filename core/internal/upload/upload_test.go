package upload_test

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what formats ask for
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/filesystem"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// inbox receives bodies into a store of its own.
type inbox struct {
	blobs  storage.Blobs
	policy spec.BodyPolicy
	limits upload.Limits
	header http.Header
	length int64 // -2: that of the body
}

func setup(kind spec.BodyKind) *inbox {
	return &inbox{
		blobs:  memory.New(),
		policy: spec.BodyPolicy{Kind: kind, MaxBytes: 1 << 20},
		limits: upload.Limits{MaxFileBytes: 4 << 20, TooLarge: registry.CodeInvalid},
		header: http.Header{},
		length: -2,
	}
}

func (in *inbox) from(ctx context.Context, r io.Reader) (*upload.Body, error) {
	return upload.Receive(ctx, in.blobs, upload.Incoming{Header: in.header, Body: r, ContentLength: in.length}, in.policy, in.limits)
}

func (in *inbox) receive(t *testing.T, data []byte) (*upload.Body, error) {
	t.Helper()
	if in.length == -2 {
		in.length = int64(len(data))
		defer func() { in.length = -2 }()
	}
	body, err := in.from(t.Context(), bytes.NewReader(data))
	t.Cleanup(body.Discard)
	return body, err
}

func (in *inbox) accept(t *testing.T, data []byte) *upload.Body {
	t.Helper()
	body, err := in.receive(t, data)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return body
}

// refuse checks code and words, and that nothing is left behind.
func (in *inbox) refuse(t *testing.T, data []byte, code registry.Code, words string) {
	t.Helper()
	_, err := in.receive(t, data)
	wantError(t, err, code, words)
	in.wantEmpty(t)
}

func wantError(t *testing.T, err error, code registry.Code, words string) {
	t.Helper()
	e, ok := errors.AsType[*registry.Error](err)
	if !ok || e.Code != code || !strings.Contains(e.Message, words) {
		t.Errorf("got %v (code %d), want code %d and %q", err, registry.CodeOf(err), code, words)
	}
}

// wantEmpty checks that the store holds nothing, staged or committed.
func (in *inbox) wantEmpty(t *testing.T) {
	t.Helper()
	if n, err := in.blobs.Sweep(context.WithoutCancel(t.Context()), time.Now().Add(time.Hour)); err != nil || n != 0 {
		t.Errorf("%d staged files are left behind, %v", n, err)
	}
	err := in.blobs.Walk(context.WithoutCancel(t.Context()), func(k storage.Key, _ storage.Info) error {
		t.Errorf("blob %s is left behind", k)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func random(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data)
	return data
}

// content reads a file before it is committed.
func content(t *testing.T, f *upload.File) []byte {
	t.Helper()
	b, err := f.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	data, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantFile checks everything that is known of a file.
func wantFile(t *testing.T, f *upload.File, data []byte) {
	t.Helper()
	if got := content(t, f); !bytes.Equal(got, data) || f.Size != int64(len(data)) {
		t.Errorf("the file has %d bytes (it says %d), want %d; or others", len(got), f.Size, len(data))
	}
	sum := sha256.Sum256(data)
	if f.Key() != sum || !bytes.Equal(f.Digests.SHA256, sum[:]) {
		t.Errorf("sha256 of %d bytes is wrong", len(data))
	}
	if len(f.Handle) != 32 {
		t.Errorf("handle %q", f.Handle)
	}
}

// Sizes at which something else happens to a file.
func sizes() []int {
	const k = 1 << 10
	return []int{0, 1, 4*k - 1, 4 * k, 64 * k, 64*k + 1, 256*k - 1, 256 * k, 256*k + 1, 512 * k, 1024*k + 7, 4096 * k}
}

func TestRawFile_sizes(t *testing.T) {
	t.Parallel()
	for _, declared := range []bool{true, false} {
		for _, size := range sizes() {
			t.Run(fmt.Sprintf("declared=%t/%d", declared, size), func(t *testing.T) {
				t.Parallel()
				in := setup(spec.BodyRawFile)
				in.header.Set("Content-Type", "application/java-archive")
				in.limits.Digests = []spec.Digest{spec.MD5, spec.SHA1, spec.SHA512}
				if !declared {
					in.length = -1
				}
				data := random(size)
				body := in.accept(t, data)
				if len(body.Files) != 1 {
					t.Fatalf("%d files", len(body.Files))
				}
				f := body.Files[0]
				wantFile(t, f, data)
				if f.ContentType != "application/java-archive" {
					t.Errorf("content type %q", f.ContentType)
				}
				wantDigests(t, f, data)
				commits(t, in, f, data)
			})
		}
	}
}

func wantDigests(t *testing.T, f *upload.File, data []byte) {
	t.Helper()
	m, s1, s512 := md5.Sum(data), sha1.Sum(data), sha512.Sum512(data) //nolint:gosec // what formats ask for
	if !bytes.Equal(f.Digests.MD5, m[:]) || !bytes.Equal(f.Digests.SHA1, s1[:]) || !bytes.Equal(f.Digests.SHA512, s512[:]) {
		t.Error("a digest is wrong")
	}
}

// commits checks a file's way from upload to blob.
func commits(t *testing.T, in *inbox, f *upload.File, data []byte) {
	t.Helper()
	ctx := t.Context()
	if there, err := f.Present(ctx); there || err != nil {
		t.Errorf("Present before Commit: %t, %v", there, err)
	}
	for range 2 {
		if err := f.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if there, err := f.Present(ctx); !there || err != nil {
			t.Errorf("Present after Commit: %t, %v", there, err)
		}
		wantFile(t, f, data)
		if err := in.blobs.Delete(ctx, f.Key()); err != nil { // and once more
			t.Fatal(err)
		}
	}
	f.Discard()
	f.Discard()
	if err := f.Commit(ctx); err == nil {
		t.Error("Commit after Discard is no error")
	}
	if _, err := f.Open(ctx); err == nil {
		t.Error("Open after Discard is no error")
	}
	in.wantEmpty(t)
}

func TestRawFile_onlyTheDigestsAskedFor(t *testing.T) {
	t.Parallel()
	f := setup(spec.BodyRawFile).accept(t, []byte("x")).Files[0]
	if f.Digests.MD5 != nil || f.Digests.SHA1 != nil || f.Digests.SHA512 != nil {
		t.Errorf("digests %+v", f.Digests)
	}
}

func TestRawFile_inline(t *testing.T) {
	t.Parallel()
	for _, below := range []int64{0, 100, 64 << 10, 1 << 20} {
		in := setup(spec.BodyRawFile)
		in.policy.InlineBelow = below
		for _, size := range []int64{below - 1, below, below + 1} {
			if size < 0 {
				continue
			}
			data := random(int(size))
			f := in.accept(t, data).Files[0]
			if size <= below && !bytes.Equal(f.Inline, data) || size > below && f.Inline != nil {
				t.Errorf("of %d bytes %d are inline, with a bound of %d", size, len(f.Inline), below)
			}
			wantFile(t, f, data)
		}
	}
}

func TestRawFile_limit(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int64{"undeclared": -1, "declared": -2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := setup(spec.BodyRawFile)
			in.length = length
			in.accept(t, make([]byte, 4<<20)).Discard()
			in.refuse(t, make([]byte, 4<<20+1), registry.CodeInvalid, "File is too large.")
			in.limits.TooLarge = registry.CodeTooLarge
			in.refuse(t, make([]byte, 4<<20+1), registry.CodeTooLarge, "File is too large.")
			in.limits.TooLarge = 0
			in.refuse(t, make([]byte, 4<<20+1), registry.CodeTooLarge, "File is too large.")
		})
	}
	t.Run("a declared length is refused before the first byte", func(t *testing.T) {
		t.Parallel()
		in := setup(spec.BodyRawFile)
		in.length = 4<<20 + 1
		_, err := in.from(t.Context(), iotest.ErrReader(errors.New("it was read")))
		wantError(t, err, registry.CodeInvalid, "File is too large.")
	})
}

// Whatever stops a body, the client hears of it in its own terms, and nothing is left.
func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		code  registry.Code
		words string
	}{
		"closed":     {io.ErrUnexpectedEOF, registry.CodeInvalid, "ended too early"},
		"reset":      {syscall.ECONNRESET, registry.CodeInvalid, "ended too early"},
		"bad chunks": {errors.New("invalid byte in chunk length"), registry.CodeInvalid, "ended too early"},
		"silent":     {os.ErrDeadlineExceeded, registry.CodeInvalid, "stopped arriving"},
		"bounded":    {&http.MaxBytesError{Limit: 1}, registry.CodeTooLarge, "too large"},
	} {
		for _, kind := range []spec.BodyKind{spec.BodyInline, spec.BodyRawFile, spec.BodyMultipart, spec.BodyJSONAttachments} {
			t.Run(fmt.Sprintf("%s/%d", name, kind), func(t *testing.T) {
				t.Parallel()
				in, start := setup(kind), whole(kind)
				in.header.Set("Content-Type", "multipart/form-data; boundary=b")
				in.policy.Attachments = attachments()
				in.length = -1
				_, err := in.from(t.Context(), io.MultiReader(strings.NewReader(start[:len(start)-5]), iotest.ErrReader(c.err)))
				wantError(t, err, c.code, c.words)
				if !errors.Is(err, c.err) {
					t.Errorf("the cause is lost: %v", err)
				}
				in.wantEmpty(t)
			})
		}
	}
}

// whole returns a body with a file too large for memory.
func whole(kind spec.BodyKind) string {
	switch kind {
	case spec.BodyMultipart:
		return "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n" + strings.Repeat("x", 600<<10) + "\r\n--b--\r\n"
	case spec.BodyJSONAttachments:
		return `{"_attachments":{"a.tgz":{"data":"` + strings.Repeat("AAAA", 200<<10) + `"}}}`
	}
	return strings.Repeat("x", 600<<10)
}

func TestClientThatIsGone(t *testing.T) {
	t.Parallel()
	for _, kind := range []spec.BodyKind{spec.BodyInline, spec.BodyRawFile, spec.BodyMultipart, spec.BodyJSONAttachments} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			in, start := setup(kind), whole(kind)
			in.header.Set("Content-Type", "multipart/form-data; boundary=b")
			in.policy.Attachments = attachments()
			in.length = -1
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			gone := readerFunc(func([]byte) (int, error) { cancel(); return 0, io.ErrUnexpectedEOF })
			_, err := in.from(ctx, io.MultiReader(strings.NewReader(start[:len(start)-5]), gone))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the context's error", err)
			}
			in.wantEmpty(t)
		})
	}
	t.Run("though its bytes still come", func(t *testing.T) {
		t.Parallel()
		in := setup(spec.BodyRawFile)
		in.length, in.limits.MaxFileBytes = -1, 0
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := in.from(ctx, readerFunc(func(p []byte) (int, error) { return len(p), nil }))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
	t.Run("and a reader that gives nothing", func(t *testing.T) {
		t.Parallel()
		_, err := setup(spec.BodyRawFile).from(t.Context(), readerFunc(func([]byte) (int, error) { return 0, nil }))
		if !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("got %v", err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestRawFile_shorterThanDeclared(t *testing.T) {
	t.Parallel()
	in := setup(spec.BodyRawFile)
	in.length = 300 << 10
	in.refuse(t, random(299<<10), registry.CodeInvalid, "ended too early")
}

// What fails on our side is ours, and no 400.
func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	for _, kind := range []spec.BodyKind{spec.BodyRawFile, spec.BodyMultipart, spec.BodyJSONAttachments} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			blobs, err := filesystem.New(root)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(root, "staging")); err != nil {
				t.Fatal(err)
			}
			in := setup(kind)
			in.blobs = blobs
			in.header.Set("Content-Type", "multipart/form-data; boundary=b")
			in.policy.Attachments = attachments()
			_, err = in.receive(t, []byte(whole(kind)))
			if err == nil || registry.CodeOf(err) != registry.CodeInternal {
				t.Errorf("got %v of code %d, want a fault", err, registry.CodeOf(err))
			}
			// A small one meets it when it is committed.
			in = setup(spec.BodyRawFile)
			in.blobs = blobs
			f := in.accept(t, []byte("small")).Files[0]
			if err := f.Commit(t.Context()); err == nil {
				t.Error("Commit succeeds")
			}
		})
	}
}

func TestNoBody(t *testing.T) {
	t.Parallel()
	body := setup(spec.BodyNone).accept(t, []byte("whatever"))
	if body.Document != nil || body.Files != nil || body.Form != nil {
		t.Errorf("got %+v", body)
	}
	if _, err := setup(99).receive(t, nil); err == nil {
		t.Error("an unknown kind is no error")
	}
}
