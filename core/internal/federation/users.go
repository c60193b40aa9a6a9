package federation

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// User finds the user that a person is, as rules of the provider say: whose
// identity it is; or who has the name, if names are trusted; or somebody new, if
// they are let in. Nobody else is CodeForbidden. made is what was changed for it.
func (p *Providers) User(ctx context.Context, name string, who Person) (u accounts.User, made []audit.Change, err error) {
	d, err := p.named(name)
	if err != nil {
		return u, nil, err
	}
	find := func() error {
		return postgres.InTx(ctx, p.pool, func(tx pgx.Tx) (err error) {
			u, made, err = d.user(ctx, tx, who)
			return err
		})
	}
	err = find()
	if postgres.IsUniqueViolation(err, "") {
		err = find() // two browsers of one person, at once
	}
	if err != nil {
		return u, nil, postgres.Translate(err)
	}
	if u.Blocked {
		return u, nil, registry.Errorf(registry.CodeForbidden, "Forbidden - Your account has been blocked.")
	}
	return u, made, nil
}

func (d *discovered) user(ctx context.Context, tx pgx.Tx, who Person) (u accounts.User, made []audit.Change, err error) {
	var id int64
	err = tx.QueryRow(ctx, "select user_id from external_identities where issuer = $1 and subject = $2", d.Issuer, who.Subject).Scan(&id)
	if err == nil {
		u, err = accounts.In(tx).UserByID(ctx, id)
		return u, nil, err
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return u, nil, err
	}
	if d.LinkByUsername {
		u, err = d.byName(ctx, tx, who)
		if err == nil {
			return u, []audit.Change{{Type: "identity.linked", Name: d.Name}}, Link(ctx, tx, d.Provider, u.ID, who.Subject)
		}
		if registry.CodeOf(err) != registry.CodeNotFound {
			return u, nil, err
		}
	}
	if !d.AllowSignup {
		return u, nil, registry.Errorf(registry.CodeForbidden, "Forbidden - there is no account for you here. Ask an administrator.")
	}
	if u, err = newUser(ctx, tx, who); err != nil {
		return u, nil, err
	}
	made = []audit.Change{{Type: "user.created", Name: u.Username}, {Type: "identity.linked", Name: d.Name}}
	return u, made, Link(ctx, tx, d.Provider, u.ID, who.Subject)
}

// byName finds the user of a person's name, to whom no other person of the
// provider has been tied.
func (d *discovered) byName(ctx context.Context, tx pgx.Tx, who Person) (accounts.User, error) {
	u, err := accounts.In(tx).FindUser(ctx, who.Username)
	if err != nil {
		return u, err
	}
	var tied bool
	err = tx.QueryRow(ctx, "select exists (select from external_identities where issuer = $1 and user_id = $2)", d.Issuer, u.ID).Scan(&tied)
	if err != nil {
		return u, err
	}
	if tied || u.Bot {
		return u, registry.Errorf(registry.CodeNotFound, "the user %q is somebody else", u.Username)
	}
	return u, nil
}

// Link ties an identity to a user.
func Link(ctx context.Context, tx pgx.Tx, p Provider, userID int64, subject string) error {
	_, err := tx.Exec(ctx, "insert into external_identities (issuer, subject, provider, user_id) values ($1, $2, $3, $4)", p.Issuer, subject, p.Name, userID)
	if err != nil {
		return fmt.Errorf("link identity: %w", err)
	}
	return nil
}

// mostNames is how many names are tried for somebody new.
const mostNames = 100

// newUser makes a user for a person, with a name as near to theirs as is free. They
// have no password.
func newUser(ctx context.Context, tx pgx.Tx, who Person) (u accounts.User, err error) {
	name := usable(who.Username)
	for n := range mostNames {
		candidate := name
		if n > 0 {
			candidate += strconv.Itoa(n)
		}
		attempt, err := tx.Begin(ctx) // a savepoint
		if err != nil {
			return u, err
		}
		u, err = accounts.In(attempt).CreateUser(ctx, accounts.NewUser{Username: candidate, Name: short(who.Name)})
		if err == nil {
			return u, attempt.Commit(ctx)
		}
		if undo := attempt.Rollback(ctx); undo != nil {
			return u, undo
		}
		switch registry.CodeOf(err) {
		case registry.CodeConflict, registry.CodeInvalid: // taken, or reserved
		default:
			return u, err
		}
	}
	return u, registry.Errorf(registry.CodeConflict, "no user name like %q is free", name)
}

// usable makes a user name of what a provider calls somebody: of an address, what
// stands before the @.
func usable(text string) string {
	text, _, _ = strings.Cut(text, "@")
	text = regexp.MustCompile(`[^A-Za-z0-9_.-]+`).ReplaceAllString(text, "-")
	text = strings.Trim(text, "-.")
	if len(text) > 200 {
		text = text[:200]
	}
	if text == "" {
		return "user"
	}
	return text
}

func short(name string) string {
	if runes := []rune(name); len(runes) > 200 {
		return string(runes[:200])
	}
	return name
}
