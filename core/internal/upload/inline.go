package upload

import (
	"bytes"
	"compress/gzip"
	"io"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// inline reads the whole body, bounded. npm compresses its audit requests:
// that is undone here, and the bound is on what comes out.
func (r *receiver) inline() error {
	switch coding := r.coding(); coding {
	case "":
		if r.length > r.policy.MaxBytes {
			return r.documentTooLarge()
		}
		return r.whole(r.in, r.length)
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(r.in)
		if err == nil {
			err = r.whole(z, 0)
		}
		if err != nil && r.in.err == nil && registry.CodeOf(err) == registry.CodeInternal {
			return registry.Errorf(registry.CodeInvalid, "the request body is not gzip, as its Content-Encoding says, or damaged").Because(err)
		}
		return err
	default:
		return unsupported(coding)
	}
}

// whole takes all of from as the document.
func (r *receiver) whole(from io.Reader, expected int64) error {
	var document bytes.Buffer
	document.Grow(int(min(max(expected, 0), r.policy.MaxBytes)) + bytes.MinRead)
	n, err := document.ReadFrom(io.LimitReader(from, r.policy.MaxBytes+1))
	if err != nil {
		return err
	}
	if n > r.policy.MaxBytes {
		return r.documentTooLarge()
	}
	r.body.Document = document.Bytes()
	return nil
}
