// Package postgres is the core's way to PostgreSQL: one pool, one way to run a transaction,
// one place where the database's errors become the registry's. Queries are in query/*.sql.
package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// minVersion is the oldest PostgreSQL that the migrations run on, as server_version_num.
const minVersion = 150000

// defaultConns: measured, 64 connections were slower than 16.
const defaultConns = 16

// Options say how to connect. The zero value works.
type Options struct {
	MaxConns int32 // 0: what the URL's pool_max_conns says, else 16
	Log      hclog.Logger
}

// Connect opens a pool on the database at url and asks the server whether it is new enough and
// what it promises: a setting that weakens a promise is logged as a warning that names both.
// The error's code is CodeUnavailable when the server does not answer. It never shows the password.
func Connect(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	cfg, err := poolConfig(url)
	if err != nil {
		return nil, err
	}
	if o.MaxConns > 0 {
		cfg.MaxConns = o.MaxConns
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", Translate(err))
	}
	if err := inspect(ctx, pool, o.Log); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to PostgreSQL: %w", Translate(err))
	}
	return pool, nil
}

// poolConfig reads the URL; what it says goes before our defaults.
func poolConfig(url string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database URL cannot be used: %w", err)
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = defaultConns
	}
	conn := cfg.ConnConfig
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "pakhus"
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = 5 * time.Second
	}
	if conn.RuntimeParams["random_page_cost"] == "" {
		cfg.AfterConnect = preferIndexes
	}
	return cfg, nil
}

// preferIndexes has a session plan for a disk that does not have to move an arm. What
// is asked here is looked up by index, and PostgreSQL's default, four times the cost
// of a page in order, had a format's query read all of a thousand packages for one.
// It is a statement, not a parameter of the connection: poolers refuse those.
func preferIndexes(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "set random_page_cost = 1.1")
	return err
}

// inspect reads the server's version and the settings that durability rests on. A server that
// does not know a setting (not every compatible one does) is not suspected.
func inspect(ctx context.Context, pool *pgxpool.Pool, log hclog.Logger) error {
	rows, err := pool.Query(ctx, `
		select name, setting from pg_settings
		where name in ('server_version_num', 'fsync', 'full_page_writes', 'synchronous_commit')`)
	if err != nil {
		return err
	}
	defer rows.Close()
	settings := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		settings[name] = value
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := refuseOld(settings); err != nil {
		return err
	}
	for _, w := range weakened(settings) {
		log.Warn("PostgreSQL promises less than full durability", "setting", w.setting, "value", w.value, "lost", w.lost)
	}
	return nil
}

func refuseOld(settings map[string]string) error {
	if v, err := strconv.Atoi(settings["server_version_num"]); err == nil && v < minVersion {
		return fmt.Errorf("the server is PostgreSQL %d; %d or newer is needed", v/10000, minVersion/10000)
	}
	return nil
}

type weakness struct{ setting, value, lost string }

// weakened lists the settings that reduce what an acknowledged publish promises.
func weakened(settings map[string]string) []weakness {
	var found []weakness
	for _, w := range []weakness{
		{"fsync", "off", "a power cut or a crash of the machine can destroy the whole database"},
		{"full_page_writes", "off", "a power cut can leave torn pages: rows become unreadable"},
		{"synchronous_commit", "off", "a crash can lose the last publishes although the client was told that they succeeded"},
	} {
		if settings[w.setting] == w.value {
			found = append(found, w)
		}
	}
	return found
}
