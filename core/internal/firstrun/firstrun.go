// Package firstrun makes an empty registry one that can be used: an
// administrator, a group, a project and a token, and a file that tells of them.
package firstrun

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// FileName is the file in the data folder. It holds secrets: mode 0600.
const FileName = "first-run.json"

// Result is what was made, and what the file holds.
type Result struct {
	URL         string `json:"url"`
	Username    string `json:"username"`
	Password    string `json:"password"`
	Token       string `json:"token"`
	GroupPath   string `json:"group_path"`
	ProjectID   int64  `json:"project_id"`
	ProjectPath string `json:"project_path"`
}

// Run does the first run if the database has no users, and returns nil if it
// has. The file is on disk before the transaction commits: a registry whose
// password nobody was told cannot come about. After a crash in between, the
// next start writes the file anew.
func Run(ctx context.Context, pool *pgxpool.Pool, dir, url string) (*Result, error) {
	var result *Result
	err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		// A statement of its own: it may wait, and the next one must see what came meanwhile.
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('pakhus first run', 0))"); err != nil {
			return postgres.Translate(err)
		}
		var empty bool
		err := tx.QueryRow(ctx, "select not exists (select from users)").Scan(&empty)
		if err != nil || !empty {
			return postgres.Translate(err)
		}
		made, err := populate(ctx, accounts.In(tx), url)
		if err != nil {
			return err
		}
		result = made
		// Nobody has asked for it but the registry itself.
		if err := audit.Insert(ctx, tx, audit.Event{
			Action: "first run", Actor: registry.Actor{Kind: registry.System},
			Changes: []audit.Change{{Type: "user.created", Name: made.Username}, {Type: "token.created", Name: "first run"}},
		}); err != nil {
			return err
		}
		return write(dir, made)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func populate(ctx context.Context, a *accounts.Accounts, url string) (*Result, error) {
	r := &Result{URL: url, Username: "root", Password: rand.Text(), GroupPath: "demo"}
	admin, err := a.CreateUser(ctx, accounts.NewUser{Username: r.Username, Name: "Administrator", Password: r.Password, Admin: true})
	if err != nil {
		return nil, err
	}
	group, err := a.CreateGroup(ctx, accounts.NewGroup{FullPath: r.GroupPath})
	if err != nil {
		return nil, err
	}
	if err := a.AddMember(ctx, admin.ID, group.ID, 0, registry.Owner); err != nil {
		return nil, err
	}
	project, err := a.CreateProject(ctx, accounts.NewProject{FullPath: r.GroupPath + "/packages"})
	if err != nil {
		return nil, err
	}
	r.ProjectID, r.ProjectPath = project.ID, project.FullPath
	r.Token, _, err = a.CreatePersonalToken(ctx, admin, accounts.NewPersonalToken{Name: "first run", Scopes: []string{string(registry.ScopeAPI)}})
	return r, err
}

// write puts the file in place whole, and durable.
func write(dir string, r *Result) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", FileName, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the secrets' file has its own mode
		return fmt.Errorf("make data folder: %w", err)
	}
	f, err := os.CreateTemp(dir, FileName+".") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", FileName, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already if all went well
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, FileName))
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", FileName, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the operator's data folder
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
