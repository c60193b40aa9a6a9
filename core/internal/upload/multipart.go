package upload

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/core/internal/registry"
)

const (
	maxParts    = 2000
	maxBoundary = 70 // RFC 2046, 5.1.1
)

// multipart reads the parts as they come: files go to sinks, fields are kept,
// bounded together with their names.
func (r *receiver) multipart() error {
	if coding := r.coding(); coding != "" {
		return unsupported(coding)
	}
	mediaType, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" || len(params["boundary"]) > maxBoundary {
		return registry.Errorf(registry.CodeInvalid, "the request is not multipart/form-data")
	}
	r.boundMultipart()
	r.body.Form = map[string][]string{}
	parts, room := multipart.NewReader(throughEnd(r.in), params["boundary"]), r.policy.MaxBytes
	for n := 0; ; n++ {
		// NextRawPart leaves each part's bytes alone, whatever transfer encoding it claims.
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return r.malformed(err)
		case n >= maxParts:
			return registry.Errorf(registry.CodeInvalid, "the multipart body has more than %d parts", maxParts)
		}
		if err := r.part(part, &room); err != nil {
			return err
		}
	}
}

// throughEnd makes the last boundary the only end there is: a body that breaks
// off never gives io.EOF, which the reader would give on from within a part's
// header. The line break is for bodies that end with the last boundary itself.
func throughEnd(body io.Reader) io.Reader {
	return io.MultiReader(body, strings.NewReader("\r\n"), brokenOff{})
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// boundMultipart bounds what stands around the parts, which nobody else counts.
func (r *receiver) boundMultipart() {
	const around = 4 << 20
	if r.limits.MaxFileBytes > 0 && r.policy.MaxFiles > 0 {
		r.in.most = r.policy.MaxBytes + int64(r.policy.MaxFiles)*(r.limits.MaxFileBytes+1) + around
	}
}

// part takes one part; room is what is left for fields.
func (r *receiver) part(part *multipart.Part, room *int64) error {
	if r.isFile(part) {
		_, err := r.file(part.FormName(), part.FileName(), part.Header.Get("Content-Type"), 0, part)
		return err
	}
	if *room -= int64(len(part.FormName())); *room < 0 {
		return r.documentTooLarge()
	}
	value, err := io.ReadAll(io.LimitReader(part, *room+1))
	if err != nil {
		return err
	}
	if *room -= int64(len(value)); *room < 0 {
		return r.documentTooLarge()
	}
	r.body.Form[part.FormName()] = append(r.body.Form[part.FormName()], string(value))
	return nil
}

func (r *receiver) isFile(part *multipart.Part) bool {
	if len(r.policy.FileParts) > 0 {
		return slices.Contains(r.policy.FileParts, part.FormName())
	}
	return part.FileName() != ""
}

// malformed puts the reader's own complaints into words.
func (r *receiver) malformed(err error) error {
	switch {
	case r.in.err != nil, errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case errors.Is(err, multipart.ErrMessageTooLarge):
		return registry.Errorf(registry.CodeInvalid, "the multipart body has a part with too large a header").Because(err)
	}
	return registry.Errorf(registry.CodeInvalid, "the multipart body is not well formed").Because(err)
}
