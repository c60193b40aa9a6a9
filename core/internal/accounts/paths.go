package accounts

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// segment is GitLab's rule for users' names and for each segment of a path.
const (
	segment    = `^(?:[A-Za-z0-9_.][A-Za-z0-9_.-]*[A-Za-z0-9_-]|[A-Za-z0-9_])$`
	maxSegment = 255
)

// checkRoot says what is wrong with what stands at the root of URLs: a user's
// name or a top-level group's path. field is what to call it.
func checkRoot(field, s string) error { return checkSegment(field, s, reservedAtRoot()) }

// checkBelow does so for the path of a group's subgroup or project.
func checkBelow(field, s string) error { return checkSegment(field, s, reservedBelow()) }

func checkSegment(field, s string, reserved []string) error {
	lower := strings.ToLower(s)
	switch {
	case s == "":
		return registry.Wrong(field, "is empty")
	case len(s) > maxSegment:
		return registry.Wrong(field, "is longer than %d characters", maxSegment)
	case !regexp.MustCompile(segment).MatchString(s), strings.HasSuffix(lower, ".git"), strings.HasSuffix(lower, ".atom"):
		return registry.Wrong(field, "%q can contain only letters, digits, '_', '-' and '.', cannot start with '-', and cannot end in '.', '.git' or '.atom'", s)
	case slices.Contains(reserved, lower):
		return registry.Wrong(field, "%q is a reserved name", s)
	}
	return nil
}

// reservedAtRoot are names of GitLab's own pages, and so perhaps of ours.
func reservedAtRoot() []string {
	return []string{
		".well-known", "admin", "api", "assets", "dashboard", "explore", "favicon.ico", "files", "groups", "health_check",
		"help", "import", "jwt", "login", "oauth", "profile", "projects", "public", "robots.txt", "s", "search", "sitemap",
		"sitemap.xml", "snippets", "unsubscribes", "uploads", "users", "v2",
	}
}

// reservedBelow are names of the pages of a GitLab group or project: what could
// not exist there could not move here, or back.
func reservedBelow() []string {
	return []string{
		"badges", "blame", "blob", "builds", "commits", "create", "create_dir", "edit", "files", "find_file", "new",
		"preview", "raw", "refs", "tree", "update", "wikis",
	}
}

func split(fullPath string) (parent, last string) {
	if i := strings.LastIndexByte(fullPath, '/'); i >= 0 {
		return fullPath[:i], fullPath[i+1:]
	}
	return "", fullPath
}

// pathIsFree: a group and a project cannot share a path. The lock keeps two
// creations at once from both finding it free; it is a statement of its own,
// because a statement sees what was committed before it began to wait.
func pathIsFree(ctx context.Context, tx pgx.Tx, fullPath string) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('path ' || lower($1), 0))", fullPath); err != nil {
		return err
	}
	var used bool
	err := tx.QueryRow(ctx, `
		select exists (select from groups where lower(full_path) = lower($1)) or exists (select from projects where lower(full_path) = lower($1))`,
		fullPath).Scan(&used)
	if err != nil {
		return err
	}
	if used {
		return pathTaken(fullPath)
	}
	return nil
}

// taken says of a lost race for a path what is said of one that was taken before.
func taken(err error, path string) error {
	if postgres.IsUniqueViolation(err, "") {
		return pathTaken(path)
	}
	return postgres.Translate(err)
}

func pathTaken(path string) error {
	e := registry.Errorf(registry.CodeConflict, "path %q has already been taken", path)
	e.Field = "path"
	return e
}
