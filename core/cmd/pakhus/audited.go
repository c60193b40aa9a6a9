package main

import (
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// audited writes what a command has done into its transaction, if it has changed
// anything there: PostgreSQL gives no number to a transaction that only reads.
func (c *cli) audited(cmd *cobra.Command, args []string, tx pgx.Tx) error {
	var wrote bool
	if err := tx.QueryRow(cmd.Context(), "select pg_current_xact_id_if_assigned() is not null").Scan(&wrote); err != nil {
		return fmt.Errorf("audit: %w", postgres.Translate(err))
	}
	if !wrote {
		return nil
	}
	fields := map[string]string{}
	if len(args) > 0 {
		fields["arguments"] = strings.Join(args, " ")
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "password": // never
		case "config", "data", "database-url", "json": // how it was run, and a URL has a password
		default:
			fields[f.Name] = f.Value.String()
		}
	})
	return audit.Insert(cmd.Context(), tx, audit.Event{
		Action: cmd.CommandPath(), Actor: registry.Actor{Kind: audit.Operator, Username: operator()}, Entity: c.about, Fields: fields,
	})
}

// operator is who runs the command, as far as the operating system knows; behind sudo,
// who has called that.
func operator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
