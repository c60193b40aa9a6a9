package sdk

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
)

// MigrationsFS reads the migrations of a folder, usually embedded: files named
// NNN_name.sql, numbered from 001 without gaps. Any other file is an error.
func MigrationsFS(fsys fs.FS, dir string) ([]Migration, error) {
	entries, err := fs.ReadDir(fsys, dir) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	var all []Migration
	for _, e := range entries {
		number, name, ok := migrationName(e.Name())
		if !ok || e.IsDir() {
			return nil, fmt.Errorf("migrations: %s is not named like 001_name.sql", e.Name())
		}
		if want := len(all) + 1; number != want {
			return nil, fmt.Errorf("migrations: %s: expected number %03d", e.Name(), want)
		}
		sql, err := fs.ReadFile(fsys, path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("migrations: %w", err)
		}
		all = append(all, Migration{Name: name, SQL: string(sql)})
	}
	return all, nil
}

// migrationName splits "001_name.sql" into 1 and "001_name".
func migrationName(file string) (int, string, bool) {
	const digits = 3
	if len(file) < len("000_x.sql") || file[digits] != '_' || path.Ext(file) != ".sql" {
		return 0, "", false
	}
	number, err := strconv.ParseUint(file[:digits], 10, 16)
	if err != nil {
		return 0, "", false
	}
	return int(number), file[:len(file)-len(".sql")], true
}
