package host

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/archive"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// maxRead is how many bytes of a file one call returns.
const maxRead = 1 << 20

// ReadArchive implements spec.Host.
func (h *Host) ReadArchive(ctx context.Context, scope string, r spec.ArchiveRead) (spec.Archive, error) {
	s, ctx, done, err := h.enter(ctx, scope)
	if err != nil {
		return spec.Archive{}, err
	}
	defer done()
	blob, err := h.openFile(ctx, s, r.File)
	if err != nil {
		return spec.Archive{}, err
	}
	defer func() { _ = blob.Close() }()
	return archive.Read(ctx, blob, blob.Size(), r)
}

// ReadFile implements spec.Host.
func (h *Host) ReadFile(ctx context.Context, scope string, f spec.FileRef, offset, length int64) ([]byte, int64, error) {
	if offset < 0 || length < 0 || length > maxRead {
		return nil, 0, fmt.Errorf("read of %d bytes at %d: at most %d from a place in the file", length, offset, maxRead)
	}
	s, ctx, done, err := h.enter(ctx, scope)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	blob, err := h.openFile(ctx, s, f)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = blob.Close() }()
	data := make([]byte, min(length, max(blob.Size()-offset, 0)))
	n, err := blob.ReadAt(data, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("read file: %w", err)
	}
	return data[:n], blob.Size(), nil
}

// openFile opens an upload of the scope, or a stored file of its format and project.
func (h *Host) openFile(ctx context.Context, s Scope, ref spec.FileRef) (storage.Blob, error) {
	if ref.UploadHandle != "" {
		f, ok := s.Uploads[ref.UploadHandle]
		if !ok {
			return nil, errors.New("there is no such upload in this scope")
		}
		return f.Open(ctx)
	}
	var sum []byte
	args := []any{ref.FileID, s.projects(), s.Format}
	named, limited := s.Names.SQL("p", func(v any) string { args = append(args, v); return "$4" })
	if limited {
		named = " and " + named
	}
	err := h.pool.QueryRow(ctx, `
		select f.sha256 from package_files f join packages p on p.id = f.package_id
		where f.id = $1 and p.project_id = any ($2::bigint[]) and p.format = $3`+named, args...).Scan(&sum)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errors.New("there is no such file in this scope")
	}
	if err != nil {
		return nil, fmt.Errorf("find file: %w", postgres.Translate(err))
	}
	return h.blobs.Open(ctx, storage.Key(sum))
}
