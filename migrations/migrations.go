// Package migrations is the core's PostgreSQL schema: ordered, forward only, embedded.
package migrations

import "embed"

// Files holds NNN_name.sql, in tern's format.
//
//go:embed *.sql
var Files embed.FS
