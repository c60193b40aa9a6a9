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

// PackageSettings is what holds for a format's packages in a group or a project.
type PackageSettings struct {
	registry.PackageSettings

	Group     registry.Group // of a group's
	DecidedBy string         // full path of whose decision it is: its own or that of a group above; empty: nobody's
	Inherited bool           // it decides nothing itself
}

// Place is a group or a project: exactly one is set. What is known of a project
// must include its group's ancestors.
type Place struct {
	Group   *registry.Group
	Project *registry.Project
}

// ids are those of the place, one of them 0, and of the groups that it is in,
// from the root down.
func (p Place) ids() (groupID, projectID int64, ancestors []int64) {
	if p.Project != nil {
		return 0, p.Project.ID, p.Project.GroupAncestorIDs
	}
	return p.Group.ID, 0, p.Group.AncestorIDs
}

func (p Place) fullPath() string {
	if p.Project != nil {
		return p.Project.FullPath
	}
	return p.Group.FullPath
}

// SettingsChange says what a group or a project is to decide. What is nil stays as it is.
type SettingsChange struct {
	DuplicatesAllowed  *bool
	DuplicateException *string // RE2 for a whole name or version; empty: none
	KeepSnapshots      *int    // 0: all
	MaxFileSize        *int64  // in bytes; 0: what the registry or the format allows
}

const maxException = 255 // characters; GitLab's

// formatName is what a manifest may call its format.
const formatName = `^[a-z][a-z0-9]{0,30}$`

// PackageSettings returns what holds for a format's packages in a group.
func (a *Accounts) PackageSettings(ctx context.Context, groupPath, format string) (PackageSettings, error) {
	if err := checkFormat(format); err != nil {
		return PackageSettings{}, err
	}
	g, err := a.FindGroup(ctx, groupPath)
	if err != nil {
		return PackageSettings{}, err
	}
	s, err := a.SettingsOf(ctx, Place{Group: &g}, format)
	s.Group = g
	return s, err
}

func checkFormat(format string) error {
	if !regexp.MustCompile(formatName).MatchString(format) {
		return registry.Errorf(registry.CodeInvalid, "format %q is none", format)
	}
	return nil
}

// SettingsOf returns what holds for a format's packages in a place.
func (a *Accounts) SettingsOf(ctx context.Context, in Place, format string) (PackageSettings, error) {
	if err := checkFormat(format); err != nil {
		return PackageSettings{}, err
	}
	s := PackageSettings{Inherited: true}
	groupID, projectID, ancestors := in.ids()
	err := a.db.QueryRow(ctx, `
		select not s.duplicates_allowed, s.duplicate_exception_regex, s.keep_snapshots, s.max_file_size, coalesce(p.full_path, g.full_path),
		       not (s.project_id is not distinct from nullif($2::bigint, 0) and s.group_id is not distinct from nullif($1::bigint, 0))
		from package_settings s
		left join groups g on g.id = s.group_id
		left join projects p on p.id = s.project_id
		where s.format = $4 and (s.project_id = $2 or s.group_id = any ($3::bigint[]))
		order by s.project_id nulls last, array_position($3::bigint[], s.group_id) desc
		limit 1`, groupID, projectID, ancestors, format).
		Scan(&s.RefuseDuplicates, &s.DuplicateException, &s.KeepSnapshots, &s.MaxFileSize, &s.DecidedBy, &s.Inherited)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return s, fmt.Errorf("read package settings: %w", postgres.Translate(err))
	}
	s.Decided = s.DecidedBy != ""
	return s, nil
}

// ChangePackageSettings is ChangeSettings of a group by its path.
func (a *Accounts) ChangePackageSettings(ctx context.Context, groupPath, format string, c SettingsChange) (PackageSettings, error) {
	g, err := a.FindGroup(ctx, groupPath)
	if err != nil {
		return PackageSettings{}, err
	}
	s, err := a.ChangeSettings(ctx, Place{Group: &g}, format, c)
	s.Group = g
	return s, err
}

// ChangeSettings has a place decide for a format's packages in it and in all
// below it that decides nothing itself. A first decision takes over what held so
// far: changing one thing changes nothing else.
func (a *Accounts) ChangeSettings(ctx context.Context, in Place, format string, c SettingsChange) (PackageSettings, error) {
	if err := c.check(); err != nil {
		return PackageSettings{}, err
	}
	var s PackageSettings
	err := a.inTx(ctx, func(tx pgx.Tx) (err error) {
		if s, err = In(tx).SettingsOf(ctx, in, format); err != nil {
			return err
		}
		if !s.Decided && c.DuplicatesAllowed == nil && c.DuplicateException != nil {
			// Formats differ in what they do where nobody decides: an exception from it could mean either.
			return registry.Errorf(registry.CodeInvalid, "an exception from what? say whether duplicates are allowed or refused, too")
		}
		groupID, projectID, _ := in.ids()
		column := "group_id"
		if projectID != 0 {
			column = "project_id"
		}
		err = tx.QueryRow(ctx, `
			insert into package_settings as s (`+column+`, format, duplicates_allowed, duplicate_exception_regex, keep_snapshots, max_file_size)
			values ($1, $2, coalesce($3::boolean, $7), coalesce($4::text, $8), coalesce($5::integer, $9), coalesce($6::bigint, $10))
			on conflict (`+column+`, format) where `+column+` is not null do update set
			    duplicates_allowed = coalesce($3, s.duplicates_allowed),
			    duplicate_exception_regex = coalesce($4, s.duplicate_exception_regex),
			    keep_snapshots = coalesce($5, s.keep_snapshots),
			    max_file_size = coalesce($6, s.max_file_size),
			    updated_at = now()
			returning not s.duplicates_allowed, s.duplicate_exception_regex, s.keep_snapshots, s.max_file_size`,
			groupID+projectID, format, c.DuplicatesAllowed, c.DuplicateException, c.KeepSnapshots, c.MaxFileSize,
			!s.RefuseDuplicates, s.DuplicateException, s.KeepSnapshots, s.MaxFileSize).
			Scan(&s.RefuseDuplicates, &s.DuplicateException, &s.KeepSnapshots, &s.MaxFileSize)
		s.DecidedBy, s.Decided, s.Inherited = in.fullPath(), true, false
		return postgres.Translate(err)
	})
	return s, err
}

// InheritSettings takes back what a place has decided for a format: what holds
// above it holds in it again, which is returned.
func (a *Accounts) InheritSettings(ctx context.Context, in Place, format string) (PackageSettings, error) {
	var s PackageSettings
	err := a.inTx(ctx, func(tx pgx.Tx) (err error) {
		groupID, projectID, _ := in.ids()
		if _, err = tx.Exec(ctx, "delete from package_settings where format = $1 and (group_id = $2 or project_id = $3)", format, groupID, projectID); err != nil {
			return fmt.Errorf("delete package settings: %w", postgres.Translate(err))
		}
		s, err = In(tx).SettingsOf(ctx, in, format)
		return err
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
	if n := c.MaxFileSize; n != nil && *n < 0 {
		return registry.Errorf(registry.CodeInvalid, "max file size %d: choose a number of bytes from 0 (what the registry or the format allows)", *n)
	}
	return nil
}
