// Package names says what a NuGet package may be called.
package names

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxID bounds an id, in characters: the client's PackageIdValidator.
const MaxID = 100

// id is GitLab's (lib/gitlab/regex/packages.rb): ASCII only, so that the lower
// case of an id is the same in every language and on every platform.
var id = regexp.MustCompile(`^[A-Za-z0-9._+\-]+$`)

// CheckID refuses what cannot be published as an id. The error is a sentence.
//
// Dots are narrower than GitLab's, and as the client has them: one at a time, and
// none at the ends. So no id is a directory, and a file's name, id.version.nupkg,
// falls into its parts.
func CheckID(s string) error {
	switch {
	case s == "":
		return errors.New("the package id is empty")
	case utf8.RuneCountInString(s) > MaxID:
		return fmt.Errorf("the package id has more than %d characters", MaxID)
	case !id.MatchString(s):
		return fmt.Errorf("the package id %q is not valid: only letters, digits and any of . _ + - can be in it", s)
	case s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, ".."):
		return fmt.Errorf("the package id %q is not valid: a dot must stand between two other characters", s)
	default:
		return nil
	}
}

// Key returns what two ids have in common if and only if they are one: ids are
// not told apart by case. It is also their form in URLs.
func Key(id string) string { return strings.ToLower(id) }

// dependency is the client's (PackageIdValidator), whose letters are those of all
// languages, and GitLab's plus sign.
var dependency = regexp.MustCompile(`^[\p{L}\p{Mn}\p{Nd}\p{Pc}.+\-]+$`)

// CheckDependency refuses what can be no package's id on any server. The error
// is a sentence.
func CheckDependency(s string) error {
	switch {
	case s == "":
		return errors.New("the id of a dependency is empty")
	case utf8.RuneCountInString(s) > MaxID:
		return fmt.Errorf("the id of a dependency has more than %d characters", MaxID)
	case !dependency.MatchString(s):
		return fmt.Errorf("the id %q of a dependency is not valid", s)
	default:
		return nil
	}
}
