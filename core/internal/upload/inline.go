package upload

import (
	"compress/gzip"
	"errors"
	"io"
	"strings"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// inline reads the whole body, bounded. npm compresses its audit requests:
// that is undone here, and the bound is on what comes out.
func (r *receiver) inline() error {
	from := r.in.Body
	switch coding := strings.ToLower(strings.TrimSpace(r.in.Header.Get("Content-Encoding"))); coding {
	case "", "identity":
		if r.in.ContentLength > r.policy.MaxBytes {
			return r.documentTooLarge()
		}
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(from)
		if err != nil {
			return registry.Errorf(registry.CodeInvalid, "the request body is not gzip, as its Content-Encoding says").Because(err)
		}
		from = z
	default:
		return registry.Errorf(registry.CodeInvalid, "Content-Encoding %q is not supported", coding)
	}
	document, err := io.ReadAll(io.LimitReader(from, r.policy.MaxBytes+1))
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		return registry.Errorf(registry.CodeInvalid, "the compressed request body is damaged").Because(err)
	}
	if err != nil {
		return err
	}
	if int64(len(document)) > r.policy.MaxBytes {
		return r.documentTooLarge()
	}
	r.body.Document = document
	return nil
}

func (r *receiver) documentTooLarge() error {
	return registry.Errorf(registry.CodeTooLarge, "the request body is larger than %d bytes", r.policy.MaxBytes)
}
