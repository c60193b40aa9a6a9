package npm

import (
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/pakhus/pakhus/sdk"
)

// maxName bounds names, versions and tags, in bytes; GitLab's columns hold as much.
const maxName = 255

// namePattern is GitLab's (lib/gitlab/regex/packages.rb): more liberal than npm's
// own rule, which its client enforces by itself.
var namePattern = regexp.MustCompile(`^(?:@(?:[A-Za-z0-9_.][A-Za-z0-9_.-]*[A-Za-z0-9_-]|[A-Za-z0-9_])/)?[A-Za-z0-9._+-]+$`)

// rangePattern is a version or range that an installer would not take for a tag
// ("1", "v1.2"); whole versions are left to the SemVer parser.
var rangePattern = regexp.MustCompile(`^[v=\s]*[0-9]+(?:\.[0-9]+){0,2}$`)

// validators are what could be a parameter. They let through what the checks
// below refuse with a sentence.
func validators() map[string]string {
	return map[string]string{
		"name":           `(?:@[^/]+/)?[^/@][^/]*|@[^/]+`,
		"file":           `(?:@[^/]+/)?[^/]+\.(?:tgz|sigstore)`,
		"version":        `[0-9A-Za-z.+\-]+`,
		"version_or_tag": `[^/]+`,
		"tag":            `[^/]+`,
		"rev":            `[0-9A-Za-z\-]+`,
		"user":           `[^/]+`,
		"login":          `[0-9A-Za-z_\-]{1,128}`,
		"number":         `[0-9]+`,
	}
}

// nameRule is GitLab's sentence.
const nameRule = "Validation failed: Name should be a valid NPM package name: https://github.com/npm/validate-npm-package-name#naming-rules."

// checkName refuses what cannot be published as a name.
func checkName(name string) error {
	if name == "" {
		return sdk.BadRequest("Name is empty.")
	}
	if len(name) > maxName || !namePattern.MatchString(name) {
		return sdk.BadRequest("%s", nameRule)
	}
	scope, base := splitName(name)
	if strings.HasSuffix(scope, ".git") || strings.HasSuffix(scope, ".atom") {
		return sdk.BadRequest("%s", nameRule) // these end GitLab's own paths
	}
	// "-" would be taken for the routes behind it, dots for a path.
	if base == "-" || base == "." || base == ".." {
		return sdk.BadRequest("%s", nameRule)
	}
	return nil
}

// splitName splits "@scope/base" into "scope" and "base"; a name without a scope
// has an empty one.
func splitName(name string) (scope, base string) {
	if rest, scoped := strings.CutPrefix(name, "@"); scoped {
		if scope, base, ok := strings.Cut(rest, "/"); ok {
			return scope, base
		}
	}
	return "", name
}

// checkVersion takes strict SemVer 2.0 only.
func checkVersion(v string) error {
	if _, err := semver.StrictNewVersion(v); err != nil || len(v) > maxName {
		return sdk.BadRequest("Validation failed: Version should follow SemVer: https://semver.org")
	}
	return nil
}

// checkTag takes any text that can stand in a path and is no version or range,
// as npm does: "npm install name@1" must never mean a tag.
func checkTag(tag string) error {
	if strings.TrimSpace(tag) == "" || len(tag) > maxName {
		return sdk.BadRequest("Validation failed: a dist-tag must have between 1 and %d characters", maxName)
	}
	if strings.ContainsFunc(tag, func(r rune) bool { return r == '/' || r < ' ' || r == 0x7f }) || tag == "." || tag == ".." {
		return sdk.BadRequest("Validation failed: the dist-tag %q cannot be part of a path", tag)
	}
	_, err := semver.StrictNewVersion(strings.TrimLeft(tag, "v= "))
	if err == nil || rangePattern.MatchString(tag) {
		return sdk.BadRequest("Validation failed: the dist-tag %q is a version", tag)
	}
	return nil
}

// sameVersion reports whether the version in a package.json is the one that is
// published. npm cleans what it finds there: "v1.0.0", "=1.0.0", white space,
// and build metadata, which it drops.
func sameVersion(written, published string) bool {
	written = strings.TrimLeft(strings.TrimSpace(written), "=v ")
	withoutBuild, _, _ := strings.Cut(written, "+")
	return written == published || withoutBuild == published
}

// tarballName is the file's name, GitLab's: the scope is part of it.
func tarballName(name, version string) string { return name + "-" + version + ".tgz" }

// bundleName is the name of the provenance bundle, npm's.
func bundleName(name, version string) string { return name + "-" + version + ".sigstore" }

// tarballNames are the names under which a file of a package may be asked for:
// as it is stored, and as npmjs calls it, without the scope. Tools that make the
// URL by themselves use the latter.
func tarballNames(name, file string) []string {
	scope, _ := splitName(name)
	if scope == "" || strings.Contains(file, "/") {
		return []string{file}
	}
	return []string{file, "@" + scope + "/" + file}
}

// highest returns the highest version by SemVer's order; of none, "".
func highest(versions []string) string {
	var best *semver.Version
	name := ""
	for _, v := range versions {
		parsed, err := semver.StrictNewVersion(v)
		if err != nil {
			continue
		}
		if best == nil || parsed.GreaterThan(best) {
			best, name = parsed, v
		}
	}
	return name
}
