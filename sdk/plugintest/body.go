package plugintest

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"  //nolint:gosec // a digest that formats publish, not a protection
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing/iotest"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk/spec"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// refusalError is an answer of the core itself to a body.
type refusalError struct {
	status int
	text   string
}

func (e *refusalError) Error() string { return e.text }

func refusal(status int, format string, args ...any) error {
	return &refusalError{status: status, text: fmt.Sprintf(format, args...)}
}

// upload is a file of a request, with its bytes.
type upload struct {
	spec.Upload
	content []byte
}

// body is what is left of a request's body when its files are taken out.
type body struct {
	document []byte
	form     map[string][]string
	uploads  []upload
	limits   spec.FileLimits
}

// takeBody does what the core does with a body before the plugin is asked.
func takeBody(p spec.BodyPolicy, limits spec.FileLimits, h http.Header, data []byte) (*body, error) {
	b := &body{limits: limits}
	switch p.Kind {
	case spec.BodyInline:
		return b, b.inline(p, h, data)
	case spec.BodyRawFile:
		u, err := b.file("", "", h.Get("Content-Type"), data)
		if err == nil && u.Size <= p.InlineBelow {
			b.uploads[0].Inline, b.uploads[0].Head = data, nil
		}
		return b, err
	case spec.BodyMultipart:
		return b, b.multipart(p, h, data)
	case spec.BodyJSONAttachments:
		return b, b.attachments(p, data)
	default:
		return b, nil
	}
}

func (b *body) inline(p spec.BodyPolicy, h http.Header, data []byte) error {
	from := io.Reader(bytes.NewReader(data))
	if h.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(from)
		if err != nil {
			return refusal(http.StatusBadRequest, "the body is not gzip")
		}
		from = z
	}
	var err error
	if b.document, err = io.ReadAll(io.LimitReader(from, p.MaxBytes+1)); err != nil {
		return refusal(http.StatusBadRequest, "the body cannot be read")
	}
	if int64(len(b.document)) > p.MaxBytes {
		return refusal(http.StatusRequestEntityTooLarge, "the body is too large")
	}
	return nil
}

func (b *body) multipart(p spec.BodyPolicy, h http.Header, data []byte) error {
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		return refusal(http.StatusBadRequest, "the request is not multipart/form-data")
	}
	b.form = map[string][]string{}
	// The reader takes the end of the data for that of the form even within a part's header: only the
	// last boundary is the end. The line break is for forms that end with the boundary itself.
	whole := io.MultiReader(bytes.NewReader(data), strings.NewReader("\r\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
	parts := multipart.NewReader(whole, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refusal(http.StatusBadRequest, "the multipart body is broken")
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return refusal(http.StatusBadRequest, "the multipart body is broken")
		}
		name := part.FormName()
		if slices.Contains(p.FileParts, name) || len(p.FileParts) == 0 && part.FileName() != "" {
			if _, err := b.file(name, part.FileName(), part.Header.Get("Content-Type"), content); err != nil {
				return err
			}
			continue
		}
		b.form[name] = append(b.form[name], string(content))
	}
}

// attachments copies a JSON document, in whose place each attachment leaves its handle.
func (b *body) attachments(p spec.BodyPolicy, data []byte) error {
	if err := strictjson.Valid(data); err != nil {
		return refusal(http.StatusBadRequest, "%v", err)
	}
	var out bytes.Buffer
	from, to := jsontext.NewDecoder(bytes.NewBuffer(data)), jsontext.NewEncoder(&out)
	for {
		token, err := from.ReadToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		path := slices.Collect(from.StackPointer().Tokens())
		encoding, ok := p.AttachmentAt(path)
		key := keyPosition(from)
		if key && token.String() == "$upload" {
			return refusal(http.StatusBadRequest, `the document has a "$upload" of its own`)
		}
		if !ok || key || token.Kind() != '"' {
			if err := to.WriteToken(token); err != nil {
				return err
			}
			continue
		}
		u, err := b.attachment(path, encoding, token.String())
		if err != nil {
			return err
		}
		if err := to.WriteValue(jsontext.Value(`{"$upload":"` + u.Handle + `"}`)); err != nil {
			return err
		}
	}
	b.document = bytes.TrimSpace(out.Bytes())
	if int64(len(b.document)) > p.MaxBytes {
		return refusal(http.StatusRequestEntityTooLarge, "the document is too large")
	}
	return nil
}

// keyPosition reports whether the token just read is a member's name: in an
// object, names and values alternate.
func keyPosition(d *jsontext.Decoder) bool {
	kind, n := d.StackIndex(d.StackDepth())
	return kind == '{' && n%2 == 1
}

func (b *body) attachment(path []string, encoding spec.Encoding, text string) (upload, error) {
	content := []byte(text)
	if encoding == spec.EncodingBase64 {
		var err error
		if content, err = base64.StdEncoding.DecodeString(text); err != nil {
			return upload{}, refusal(http.StatusBadRequest, "an attachment is not base64")
		}
	}
	part := strings.Join(path, "/")
	name := part
	if len(path) > 1 {
		name = path[len(path)-2] // the key that holds the attachment
	}
	contentType := ""
	if encoding == spec.EncodingBase64 {
		contentType = "application/octet-stream"
	}
	return b.file(part, name, contentType, content)
}

func (b *body) file(part, name, contentType string, content []byte) (upload, error) {
	if int64(len(content)) > b.limits.MaxFileBytes {
		return upload{}, refusal(b.limits.TooLargeStatus, "File is too large.")
	}
	u := upload{content: content, Upload: spec.Upload{
		Handle:      fmt.Sprintf("upload-%d", len(b.uploads)+1),
		Part:        part,
		FileName:    name,
		ContentType: contentType,
		Size:        int64(len(content)),
		Digests:     digests(content, b.limits.Digests),
		Head:        content[:min(len(content), spec.HeadBytes)],
	}}
	b.uploads = append(b.uploads, u)
	return u, nil
}

func (b *body) specs() []spec.Upload {
	var all []spec.Upload
	for _, u := range b.uploads {
		all = append(all, u.Upload)
	}
	return all
}

func (b *body) byHandle() map[string]upload {
	all := map[string]upload{}
	for _, u := range b.uploads {
		all[u.Handle] = u
	}
	return all
}

// digests are real: sha256 and those the format asks for.
func digests(content []byte, wanted []spec.Digest) spec.Digests {
	sum := sha256.Sum256(content)
	d := spec.Digests{SHA256: sum[:]}
	for _, w := range wanted {
		switch w {
		case spec.MD5:
			sum := md5.Sum(content) //nolint:gosec // see the import
			d.MD5 = sum[:]
		case spec.SHA1:
			sum := sha1.Sum(content) //nolint:gosec // see the import
			d.SHA1 = sum[:]
		case spec.SHA512:
			sum := sha512.Sum512(content)
			d.SHA512 = sum[:]
		}
	}
	return d
}
