package upload

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// multipart reads the parts as they come: files go to sinks, fields are kept, bounded together.
func (r *receiver) multipart() error {
	mediaType, params, err := mime.ParseMediaType(r.in.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return registry.Errorf(registry.CodeInvalid, "the request is not multipart/form-data")
	}
	r.body.Form = map[string][]string{}
	parts := multipart.NewReader(r.in.Body, params["boundary"])
	room := r.policy.MaxBytes
	for {
		// NextRawPart leaves each part's bytes alone, whatever transfer encoding it claims.
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return multipartError(err)
		}
		if r.isFile(part) {
			if _, err := r.file(part.FormName(), part.FileName(), part.Header.Get("Content-Type"), part); err != nil {
				return multipartError(err)
			}
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, room+1))
		if err != nil {
			return multipartError(err)
		}
		if room -= int64(len(value)); room < 0 {
			return r.documentTooLarge()
		}
		r.body.Form[part.FormName()] = append(r.body.Form[part.FormName()], string(value))
	}
}

func (r *receiver) isFile(part *multipart.Part) bool {
	if len(r.policy.FileParts) > 0 {
		return slices.Contains(r.policy.FileParts, part.FormName())
	}
	return part.FileName() != ""
}

// multipartError keeps our own refusals and calls everything else what it is:
// a body that is not well formed, or broke off.
func multipartError(err error) error {
	if _, ok := errors.AsType[*registry.Error](err); ok {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return registry.Errorf(registry.CodeInvalid, "the multipart body is not well formed").Because(err)
}
