package maven

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// What a file must be to be taken under its name. Guards are about mistakes, a
// page of a proxy in place of a jar, half a file: what builds would trip over for
// as long as the version is there.

// content is the whole of a small file, or a refusal if it is larger than most.
func (d *deployed) content(ctx context.Context, r *sdk.Request, most int64) ([]byte, error) {
	if d.upload.Size > most {
		return nil, sdk.BadRequest("%s has %d bytes; at most %d are taken", r.Param("file"), d.upload.Size, most)
	}
	if d.upload.Size <= int64(len(d.upload.Inline)) {
		return d.upload.Inline, nil
	}
	data, _, err := r.Files.Read(ctx, sdk.UploadRef(d.upload), 0, most)
	return data, err
}

// checkZip looks for the record that a zip ends with (APPNOTE.TXT 4.3.16). Not
// for its first bytes: an executable jar begins with a shell script.
func checkZip(ctx context.Context, r *sdk.Request, d *deployed) error {
	const (
		record     = 22
		maxComment = 1<<16 - 1
	)
	tail := d.upload.Inline
	if int64(len(tail)) < d.upload.Size {
		from := max(0, d.upload.Size-record-maxComment)
		var err error
		if tail, _, err = r.Files.Read(ctx, sdk.UploadRef(d.upload), from, record+maxComment); err != nil {
			return err
		}
	}
	for at := len(tail) - record; at >= 0; at-- {
		if !bytes.HasPrefix(tail[at:], []byte("PK\x05\x06")) {
			continue
		}
		if int(binary.LittleEndian.Uint16(tail[at+20:])) == len(tail)-at-record {
			return nil
		}
	}
	return sdk.BadRequest("%s is no zip, or is cut short: a .%s must be one", r.Param("file"), d.file.Extension)
}

// maxModule bounds what Gradle writes of a module's variants.
const maxModule = 1 << 20

// checkModule takes Gradle Module Metadata (its specification, "format version").
func checkModule(ctx context.Context, r *sdk.Request, d *deployed) error {
	data, err := d.content(ctx, r, maxModule)
	if err != nil {
		return err
	}
	var doc struct {
		FormatVersion string `json:"formatVersion"`
	}
	if err := strictjson.Unmarshal(data, &doc); err != nil {
		return sdk.BadRequest("%s is no Gradle Module Metadata: %v", r.Param("file"), err)
	}
	if doc.FormatVersion == "" {
		return sdk.BadRequest("%s is no Gradle Module Metadata: it has no formatVersion", r.Param("file"))
	}
	return nil
}

func hasSignature(extension string) bool {
	return extension == "asc" || strings.HasSuffix(extension, ".asc")
}

// checkSignature takes an ASCII-armoured OpenPGP signature (RFC 9580 §6.2).
func checkSignature(ctx context.Context, r *sdk.Request, d *deployed) error {
	const armour = "-----BEGIN PGP "
	head := d.upload.Inline
	if head == nil && d.upload.Size > 0 {
		var err error
		if head, _, err = r.Files.Read(ctx, sdk.UploadRef(d.upload), 0, int64(len(armour))+16); err != nil {
			return err
		}
	}
	if !bytes.HasPrefix(bytes.TrimLeft(head, "\r\n\t "), []byte(armour)) {
		return sdk.BadRequest("%s is no OpenPGP signature: it does not begin with %q", r.Param("file"), armour)
	}
	return nil
}
