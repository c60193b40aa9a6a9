package sdk

import "github.com/pakhus/pakhus/sdk/spec"

// NoBody ignores a request's body. It is the zero BodyPolicy.
func NoBody() BodyPolicy { return BodyPolicy{Kind: spec.BodyNone} }

// Inline hands over the whole body, of at most maxBytes; gzip is undone by the core.
func Inline(maxBytes int64) BodyPolicy {
	return BodyPolicy{Kind: spec.BodyInline, MaxBytes: maxBytes}
}

// RawFile makes the body one upload.
func RawFile() BodyPolicy { return BodyPolicy{Kind: spec.BodyRawFile} }

// RawFileInline makes the body one upload, and hands bodies of at most that many
// bytes over inline too.
func RawFileInline(below int64) BodyPolicy {
	return BodyPolicy{Kind: spec.BodyRawFile, InlineBelow: below}
}

// The bounds of bodies made by Multipart and JSONAttachments; set the fields of
// the policy to change them.
const (
	defaultMaxFiles      = 16
	defaultMaxFieldBytes = 1 << 20
)

// Multipart takes multipart/form-data. The named parts are files; without names,
// every part that has a file name is.
func Multipart(parts ...string) BodyPolicy {
	return BodyPolicy{Kind: spec.BodyMultipart, MaxBytes: defaultMaxFieldBytes, FileParts: parts, MaxFiles: defaultMaxFiles}
}

// JSONAttachments takes a JSON document with files in some of its strings. The
// document, without them, has at most maxDocument bytes.
func JSONAttachments(maxDocument int64, attachments ...Attachment) BodyPolicy {
	return BodyPolicy{Kind: spec.BodyJSONAttachments, MaxBytes: maxDocument, Attachments: attachments, MaxFiles: defaultMaxFiles}
}
