package packages

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// StoredFile is a file of a package as the API shows it.
type StoredFile struct {
	ID        int64
	PackageID int64
	Name      string
	Size      int64
	MD5       []byte // nil where it is not kept, like the next
	SHA1      []byte
	SHA256    []byte
	CreatedAt time.Time
}

const storedFileColumns = "id, package_id, file_name, size, md5, sha1, sha256, created_at"

// Files returns a page of a package's files, and how it lies in the whole list.
func (p *Packages) Files(ctx context.Context, projectID, packageID int64, order Order, at Page) ([]StoredFile, Extent, error) {
	sql := order.sql(map[string]string{"id": "id", "created_at": "created_at", "file_name": `file_name collate "C"`}, "id")
	found, extent, err := page(ctx, p.pool, at, storedFileColumns, `
		from package_files
		where project_id = $1 and package_id = $2`, sql, []any{projectID, packageID}, scanStoredFile)
	if err != nil {
		return nil, Extent{}, fmt.Errorf("list files of package %d: %w", packageID, postgres.Translate(err))
	}
	return found, extent, nil
}

// FileOf returns a file of a package. One of another package is CodeNotFound,
// like one that does not exist.
func (p *Packages) FileOf(ctx context.Context, projectID, packageID, id int64) (StoredFile, error) {
	rows, err := p.pool.Query(ctx, `
		select `+storedFileColumns+`
		from package_files
		where id = $3 and project_id = $1 and package_id = $2`, projectID, packageID, id)
	if err != nil {
		return StoredFile{}, fmt.Errorf("find file %d: %w", id, postgres.Translate(err))
	}
	found, err := pgx.CollectRows(rows, scanStoredFile)
	if err != nil {
		return StoredFile{}, fmt.Errorf("find file %d: %w", id, postgres.Translate(err))
	}
	if len(found) == 0 {
		return StoredFile{}, registry.Errorf(registry.CodeNotFound, "File Not Found")
	}
	return found[0], nil
}

func scanStoredFile(row pgx.CollectableRow) (f StoredFile, err error) {
	err = row.Scan(&f.ID, &f.PackageID, &f.Name, &f.Size, &f.MD5, &f.SHA1, &f.SHA256, &f.CreatedAt)
	return f, err
}
