package protection

import (
	"regexp"
	"unicode/utf8"

	"github.com/pakhus/pakhus/core/internal/registry"
)

const maxPattern = 255 // characters; GitLab's

// npmPattern is GitLab's rule for names of npm packages (lib/gitlab/regex/packages.rb)
// with "*" allowed after the scope; a scope has none.
const npmPattern = `\A(?:@(?:[A-Za-z0-9_.][A-Za-z0-9_.-]*[A-Za-z0-9_-]|[A-Za-z0-9_])/)?[A-Za-z0-9._+*-]+\z`

// check says what is wrong with a rule, in the words of GitLab's
// (app/models/packages/protection/rule.rb).
func check(r registry.ProtectionRule) error {
	wrong := func(sentence string) error { return registry.Errorf(registry.CodeUnprocessable, "%s", sentence) }
	switch {
	case r.NamePattern == "":
		return wrong("Package name pattern can't be blank")
	case utf8.RuneCountInString(r.NamePattern) > maxPattern:
		return wrong("Package name pattern is too long (maximum is 255 characters)")
	case r.PackageType == "npm" && !regexp.MustCompile(npmPattern).MatchString(r.NamePattern):
		return wrong("Package name pattern should be a valid NPM package name with optional wildcard characters.")
	case r.ForPush == registry.NoAccess && r.ForDelete == registry.NoAccess:
		return wrong("A rule must have at least a minimum access role for push or delete.")
	}
	return nil
}

// PushLevels are the roles that a rule may demand for publishing, by GitLab's
// names. Less than the first is what publishing takes without a rule.
func PushLevels() map[string]registry.AccessLevel {
	return map[string]registry.AccessLevel{"maintainer": registry.Maintainer, "owner": registry.Owner, "admin": registry.AdminLevel}
}

// DeleteLevels are those that it may demand for deleting.
func DeleteLevels() map[string]registry.AccessLevel {
	return map[string]registry.AccessLevel{"owner": registry.Owner, "admin": registry.AdminLevel}
}
