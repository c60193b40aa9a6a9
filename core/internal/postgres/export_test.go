package postgres

import (
	"context"
	"io/fs"
)

// MigrateWith is Migrate with other migrations than the binary's.
func MigrateWith(ctx context.Context, url string, files fs.FS) error {
	return migrateWith(ctx, url, files)
}

// RefuseOld checks a server's settings.
func RefuseOld(settings map[string]string) error { return refuseOld(settings) }
