package manifest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/sdk/spec"
)

// maxInline bounds bodies and documents that are handed to a plugin whole: they
// must fit in one message with everything else.
const maxInline = spec.MaxMessageBytes / 2

// maxFiles bounds the files of one request.
const maxFiles = 1000

// files reports whether a body of that kind becomes uploads.
func files(k spec.BodyKind) bool {
	return k == spec.BodyRawFile || k == spec.BodyMultipart || k == spec.BodyJSONAttachments
}

func (c *checker) body(r *spec.Route) error {
	b := r.Body
	if b.Kind < spec.BodyNone || b.Kind > spec.BodyJSONAttachments {
		return fmt.Errorf("body: unknown kind %d", b.Kind)
	}
	if b.Kind != spec.BodyNone && r.Method == http.MethodGet {
		return fmt.Errorf("body: a GET route has none")
	}
	if files(b.Kind) && r.Method == http.MethodDelete {
		return fmt.Errorf("body: a DELETE route takes no files")
	}
	if files(b.Kind) && !writes(r.Action) {
		return fmt.Errorf("body: files are taken only from callers who may write")
	}
	if err := fields(b); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

// fields checks the limits of a body and that those of other kinds are zero.
func fields(b spec.BodyPolicy) error {
	bounded := b.Kind == spec.BodyInline || b.Kind == spec.BodyMultipart || b.Kind == spec.BodyJSONAttachments
	many := b.Kind == spec.BodyMultipart || b.Kind == spec.BodyJSONAttachments
	switch {
	case bounded && (b.MaxBytes <= 0 || b.MaxBytes > maxInline), !bounded && b.MaxBytes != 0:
		return fmt.Errorf("maxBytes: %d; from 1 to %d, and only for bodies that are handed over", b.MaxBytes, maxInline)
	case many && (b.MaxFiles <= 0 || b.MaxFiles > maxFiles), !many && b.MaxFiles != 0:
		return fmt.Errorf("maxFiles: %d; from 1 to %d, and only for bodies with several files", b.MaxFiles, maxFiles)
	case b.InlineBelow < 0 || b.InlineBelow > maxInline, b.Kind != spec.BodyRawFile && b.InlineBelow != 0:
		return fmt.Errorf("inlineBelow: %d; at most %d, and only for raw files", b.InlineBelow, maxInline)
	case b.Kind != spec.BodyMultipart && len(b.FileParts) > 0, slices.Contains(b.FileParts, ""):
		return fmt.Errorf("fileParts: names of a multipart body's parts")
	case (b.Kind == spec.BodyJSONAttachments) != (len(b.Attachments) > 0):
		return fmt.Errorf("attachments: %d; at least one, and only for JSON with attachments", len(b.Attachments))
	}
	for _, a := range b.Attachments {
		if err := attachment(a); err != nil {
			return fmt.Errorf("attachments: %w", err)
		}
	}
	return nil
}

func attachment(a spec.Attachment) error {
	if len(a.Path) == 0 {
		return fmt.Errorf("path: empty")
	}
	for _, key := range a.Path {
		if key == "" || strings.Count(key, "*") > 1 {
			return fmt.Errorf("path: bad key %q; a key has at most one \"*\", for any text", key)
		}
	}
	if a.Encoding != spec.EncodingBase64 && a.Encoding != spec.EncodingText {
		return fmt.Errorf("encoding: missing or unknown")
	}
	return nil
}
