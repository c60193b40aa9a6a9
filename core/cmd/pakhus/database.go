package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/embedded"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/storage/filesystem"
)

// database returns the URL of the configured database, or of the embedded one
// of a server that is running.
func (c *cli) database() (string, error) {
	cfg, err := c.load(nil)
	if err != nil {
		return "", err
	}
	if cfg.Database.URL != "" {
		return cfg.Database.URL, nil
	}
	url, err := embedded.RunningURL(filepath.Join(cfg.DataDir, "postgres"))
	if errors.Is(err, embedded.ErrNotRunning) {
		return "", fmt.Errorf("%w: start pakhus serve first, or name the database with --database-url", err)
	}
	return url, err
}

func (c *cli) connect(ctx context.Context) (*pgxpool.Pool, error) {
	url, err := c.database()
	if err != nil {
		return nil, err
	}
	return postgres.Connect(ctx, url, postgres.Options{MaxConns: 2, Log: hclog.NewNullLogger()})
}

// withAccounts makes a command's body of a function on the accounts.
func (c *cli) withAccounts(fn func(cmd *cobra.Command, args []string, a *accounts.Accounts) error) func(*cobra.Command, []string) error {
	return c.withTx(func(cmd *cobra.Command, args []string, tx pgx.Tx) error { return fn(cmd, args, accounts.In(tx)) })
}

// withTx makes a command's body of a function in one transaction. What it prints
// is held back until that has committed: a token that nobody has is shown to nobody.
func (c *cli) withTx(fn func(cmd *cobra.Command, args []string, tx pgx.Tx) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		pool, err := c.connect(cmd.Context())
		if err != nil {
			return err
		}
		defer pool.Close()
		out := cmd.OutOrStdout()
		var held bytes.Buffer
		cmd.SetOut(&held)
		defer cmd.SetOut(out)
		err = postgres.InTx(cmd.Context(), pool, func(tx pgx.Tx) error {
			if err := fn(cmd, args, tx); err != nil {
				return err
			}
			return c.audited(cmd, args, tx)
		})
		if err != nil {
			return err
		}
		_, err = held.WriteTo(out)
		return err
	}
}

func (c *cli) gc() *cobra.Command {
	return &cobra.Command{
		Use:   "gc",
		Short: "Remove bytes that nothing refers to any more (the server does this every hour)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load(nil)
			if err != nil {
				return err
			}
			pool, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer pool.Close()
			blobs, err := filesystem.New(filepath.Join(cfg.DataDir, "blobs"))
			if err != nil {
				return err
			}
			n, err := plan.Collect(cmd.Context(), pool, blobs, time.Duration(cfg.Storage.GraceHours)*time.Hour)
			if err != nil {
				return err
			}
			return c.print(cmd, map[string]int{"removed": n}, fmt.Sprintf("%d blobs removed", n))
		},
	}
}
