package npm

import (
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/pakhus/pakhus/sdk"
)

// scope and base are GitLab's (lib/gitlab/regex/packages.rb): more liberal than
// npm's own rule, which its client enforces by itself.
const (
	scope   = `[A-Za-z0-9_.][A-Za-z0-9_.\-]*[A-Za-z0-9_\-]|[A-Za-z0-9_]`
	base    = `[A-Za-z0-9._+\-]+`
	maxName = 255
)

func validators() map[string]string {
	return map[string]string{
		// What could be a name; checkName says what is wrong with one that is not.
		"name":           `(?:@[^/]+/)?[^/@][^/]*|@[^/]+`,
		"file":           `(?:@[^/]+/)?[^/]+\.(?:tgz|sigstore)`,
		"version":        `[0-9A-Za-z.+\-]+`,
		"version_or_tag": `[^/]+`,
		"tag":            `[^/]+`,
		"rev":            `[0-9A-Za-z\-]+`,
		"user":           `[^/]+`,
		"login":          `[A-Z0-9]{10,64}`,
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
	rest := name
	if after, scoped := strings.CutPrefix(name, "@"); scoped {
		s, r, ok := strings.Cut(after, "/")
		if !ok || !matches(scope, s) || strings.HasSuffix(s, ".git") || strings.HasSuffix(s, ".atom") {
			return sdk.BadRequest("%s", nameRule)
		}
		rest = r
	}
	// "-" would be taken for the routes behind it.
	if len(name) > maxName || !matches(base, rest) || rest == "-" || strings.Trim(rest, ".") == "" {
		return sdk.BadRequest("%s", nameRule)
	}
	return nil
}

// checkVersion takes strict SemVer 2.0 only.
func checkVersion(v string) error {
	if _, err := semver.StrictNewVersion(v); err != nil || len(v) > maxName {
		return sdk.BadRequest("Validation failed: Version should follow SemVer: https://semver.org")
	}
	return nil
}

// checkTag takes any text that is no version: "npm install name@1.0.0" must
// never mean a tag.
func checkTag(tag string) error {
	if strings.TrimSpace(tag) == "" || len(tag) > maxName {
		return sdk.BadRequest("Validation failed: a dist-tag must have between 1 and %d characters", maxName)
	}
	if _, err := semver.NewVersion(tag); err == nil {
		return sdk.BadRequest("Validation failed: the dist-tag %q is a version", tag)
	}
	return nil
}

// cleanVersion undoes what npm accepts in package.json and cleans when it
// publishes: "v1.0.0", "=1.0.0", white space, build metadata.
func cleanVersion(v string) string {
	v = strings.TrimLeft(strings.TrimSpace(v), "=v ")
	v, _, _ = strings.Cut(v, "+")
	return v
}

// tarballName is the file's name, GitLab's: the scope is part of it.
func tarballName(name, version string) string { return name + "-" + version + ".tgz" }

func bundleName(name, version string) string { return name + "-" + version + ".sigstore" }

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
