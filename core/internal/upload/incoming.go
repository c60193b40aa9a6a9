package upload

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// incoming is the body as it comes. It remembers why reading failed: whatever a
// decoder on top of it makes of that, it was the client or the way to it.
type incoming struct {
	from io.Reader
	n    int64
	most int64 // 0: its parts are bounded, and so is it
	err  error
}

var errMost = errors.New("longer than all it may hold")

// Read implements io.Reader.
func (b *incoming) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.n += int64(n)
	if err == nil && b.most > 0 && b.n > b.most {
		err = errMost
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

const endedEarly = "the request body ended too early"

// refusal says in words why the body could not be read.
func (b *incoming) refusal() error {
	if _, ok := errors.AsType[*http.MaxBytesError](b.err); ok || errors.Is(b.err, errMost) {
		return registry.Errorf(registry.CodeTooLarge, "the request body is too large").Because(b.err)
	}
	if errors.Is(b.err, os.ErrDeadlineExceeded) {
		return registry.Errorf(registry.CodeInvalid, "the request body stopped arriving").Because(b.err)
	}
	return registry.Errorf(registry.CodeInvalid, endedEarly).Because(b.err)
}

// coding returns the body's Content-Encoding; empty for none.
func (r *receiver) coding() string {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(r.header.Values("Content-Encoding"), ",")))
	if coding == "identity" {
		return ""
	}
	return coding
}

func unsupported(coding string) error {
	return registry.Errorf(registry.CodeInvalid, "Content-Encoding %q is not supported", coding)
}
