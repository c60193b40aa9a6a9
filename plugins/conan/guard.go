package conan

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	"github.com/pakhus/pakhus/plugins/conan/internal/manifest"
	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
	"github.com/pakhus/pakhus/sdk"
)

// maxText bounds the files that are looked into whole.
const maxText = 1 << 20

// guard looks whether a file is what its name says, and returns the text of a
// package's description.
func guard(ctx context.Context, r *sdk.Request, path string, u sdk.Upload) (string, error) {
	if reference.IsMetadata(path) {
		return "", nil // anything, and of any size
	}
	if u.Size == 0 {
		if path == reference.Info {
			return "", nil // of a package that depends on nothing
		}
		return "", sdk.BadRequest("%s is empty", path)
	}
	if reference.Archive(path) != "" {
		return "", checkArchive(ctx, r, path, u)
	}
	switch path {
	case reference.Manifest:
		data, err := whole(ctx, r, path, u)
		if err != nil {
			return "", err
		}
		if err := manifest.Check(string(data)); err != nil {
			return "", sdk.BadRequest("%s: %v", path, err)
		}
	case reference.Info:
		data, err := whole(ctx, r, path, u)
		if err != nil || !utf8.Valid(data) || bytes.ContainsRune(data, 0) {
			return "", err
		}
		return string(data), nil
	}
	return "", nil
}

// checkArchive looks at the first bytes: the client unpacks what it gets by the
// name that it has.
func checkArchive(ctx context.Context, r *sdk.Request, path string, u sdk.Upload) error {
	magic := map[string]string{".tgz": "\x1f\x8b\x08", ".txz": "\xfd7zXZ\x00", ".tzst": "\x28\xb5\x2f\xfd"}
	head := u.First(8)
	if head == nil {
		var err error
		if head, _, err = r.Files.Read(ctx, sdk.UploadRef(u), 0, 8); err != nil {
			return err
		}
	}
	extension := path[strings.LastIndexByte(path, '.'):]
	if !bytes.HasPrefix(head, []byte(magic[extension])) {
		return sdk.BadRequest("%s is no %s archive", path, extension)
	}
	return nil
}

// whole reads a file that is small if it is what its name says.
func whole(ctx context.Context, r *sdk.Request, path string, u sdk.Upload) ([]byte, error) {
	if u.Inline != nil {
		return u.Inline, nil
	}
	if u.Size > maxText {
		return nil, sdk.BadRequest("%s has %d bytes; at most %d are allowed", path, u.Size, maxText)
	}
	data, _, err := r.Files.Read(ctx, sdk.UploadRef(u), 0, maxText)
	return data, err
}
