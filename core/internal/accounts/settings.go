package accounts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// PackageSettings is what holds for a format's packages in a group.
type PackageSettings struct {
	registry.PackageSettings

	Group     registry.Group
	DecidedBy string // full path of the group whose decision it is: this one or one above; empty: nobody's
}

// SettingsChange says what a group is to decide. What is nil stays as it is.
type SettingsChange struct {
	DuplicatesAllowed  *bool
	DuplicateException *string // RE2 for a whole name or version; empty: none
	KeepSnapshots      *int    // 0: all
}

const maxException = 255 // characters; GitLab's

// formatName is what a manifest may call its format.
const formatName = `^[a-z][a-z0-9]{0,30}$`

// PackageSettings returns what holds for a format's packages in a group.
func (a *Accounts) PackageSettings(ctx context.Context, groupPath, format string) (PackageSettings, error) {
	if !regexp.MustCompile(formatName).MatchString(format) {
		return PackageSettings{}, registry.Errorf(registry.CodeInvalid, "format %q is none", format)
	}
	g, err := a.FindGroup(ctx, groupPath)
	if err != nil {
		return PackageSettings{}, err
	}
	s := PackageSettings{Group: g}
	err = a.db.QueryRow(ctx, `
		select not s.duplicates_allowed, s.duplicate_exception_regex, s.keep_snapshots, g.full_path
		from unnest($1::bigint[]) with ordinality a (id, depth)
		join package_settings s on s.group_id = a.id
		join groups g on g.id = a.id
		where s.format = $2
		order by a.depth desc
		limit 1`, g.AncestorIDs, format).Scan(&s.RefuseDuplicates, &s.DuplicateException, &s.KeepSnapshots, &s.DecidedBy)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return s, fmt.Errorf("read package settings: %w", postgres.Translate(err))
	}
	return s, nil
}

// ChangePackageSettings has a group decide for a format's packages in it and in
// all groups below it that decide nothing themselves. A group's first decision
// takes over what held for it so far: changing one thing changes nothing else.
func (a *Accounts) ChangePackageSettings(ctx context.Context, groupPath, format string, c SettingsChange) (PackageSettings, error) {
	if err := c.check(); err != nil {
		return PackageSettings{}, err
	}
	var s PackageSettings
	err := a.inTx(ctx, func(tx pgx.Tx) (err error) {
		if s, err = In(tx).PackageSettings(ctx, groupPath, format); err != nil {
			return err
		}
		if s.DecidedBy == "" && c.DuplicatesAllowed == nil && c.DuplicateException != nil {
			// Formats differ in what they do where nobody decides: an exception from it could mean either.
			return registry.Errorf(registry.CodeInvalid, "an exception from what? say whether duplicates are allowed or refused, too")
		}
		err = tx.QueryRow(ctx, `
			insert into package_settings as s (group_id, format, duplicates_allowed, duplicate_exception_regex, keep_snapshots)
			values ($1, $2, coalesce($3::boolean, $6), coalesce($4::text, $7), coalesce($5::integer, $8))
			on conflict (group_id, format) do update set
			    duplicates_allowed = coalesce($3, s.duplicates_allowed),
			    duplicate_exception_regex = coalesce($4, s.duplicate_exception_regex),
			    keep_snapshots = coalesce($5, s.keep_snapshots),
			    updated_at = now()
			returning not s.duplicates_allowed, s.duplicate_exception_regex, s.keep_snapshots`,
			s.Group.ID, format, c.DuplicatesAllowed, c.DuplicateException, c.KeepSnapshots,
			!s.RefuseDuplicates, s.DuplicateException, s.KeepSnapshots).
			Scan(&s.RefuseDuplicates, &s.DuplicateException, &s.KeepSnapshots)
		s.DecidedBy = s.Group.FullPath
		return postgres.Translate(err)
	})
	return s, err
}

// check names what is wrong. The exception is compiled as formats use it, too:
// an unfinished \Q is whole only by itself.
func (c SettingsChange) check() error {
	if c.DuplicateException != nil {
		text := *c.DuplicateException
		if utf8.RuneCountInString(text) > maxException {
			return registry.Errorf(registry.CodeInvalid, "duplicate exception is longer than %d characters", maxException)
		}
		_, alone := regexp.Compile(text)
		_, whole := regexp.Compile(`\A(?:` + text + `)\z`)
		if err := errors.Join(alone, whole); err != nil {
			return registry.Errorf(registry.CodeInvalid, "duplicate exception %q is not RE2: %v", text, err)
		}
	}
	if n := c.KeepSnapshots; n != nil && (*n < 0 || *n > math.MaxInt32) {
		return registry.Errorf(registry.CodeInvalid, "keep snapshots %d: choose a number from 0 (all)", *n)
	}
	return nil
}
