// Package reference is the grammar of what Conan calls things: recipes,
// revisions, package ids, and the files of each.
package reference

import (
	"fmt"
	"regexp"
	"strings"
)

// None stands in URLs for a user or channel that a recipe does not have.
const None = "_"

// maxText is Conan 2's bound of a whole reference.
const maxText = 200

// Reference names a recipe: "name/version@user/channel". User and Channel are
// [None] for a recipe that has none.
type Reference struct {
	Name, Version, User, Channel string
}

// part is what names, versions, users and channels are made of: Conan 2's rule,
// whose parts have up to 101 characters (GitLab's and Conan 1's: 50), and as in
// Conan 1 capitals too.
var part = regexp.MustCompile(`\A[A-Za-z0-9_][A-Za-z0-9_+.-]{1,100}\z`)

// word is what revisions and package ids are.
var word = regexp.MustCompile(`\A[0-9A-Za-z]{1,51}\z`)

// Parse checks the parts of a reference as they stand in a URL. The error says
// which part is wrong.
func Parse(name, version, user, channel string) (Reference, error) {
	for _, p := range []struct {
		what, text string
		optional   bool
	}{{"name", name, false}, {"version", version, false}, {"user", user, true}, {"channel", channel, true}} {
		if p.optional && p.text == None || part.MatchString(p.text) {
			continue
		}
		return Reference{}, fmt.Errorf("the %s %q is invalid: 2 to 101 letters, digits, '_', '+', '.' and '-' are allowed, and the first is a letter, digit or '_'", p.what, p.text)
	}
	r := Reference{Name: name, Version: version, User: user, Channel: channel}
	if user == None && channel != None {
		return Reference{}, fmt.Errorf("the channel %q has no user", channel)
	}
	if text := r.String(); len(text) > maxText {
		return Reference{}, fmt.Errorf("the reference %s is longer than %d characters", text, maxText)
	}
	return r, nil
}

// String writes the reference as Conan prints it: without what it does not have.
func (r Reference) String() string {
	text := r.Name + "/" + r.Version
	if r.User == None {
		return text
	}
	text += "@" + r.User
	if r.Channel == None {
		return text
	}
	return text + "/" + r.Channel
}

// Key is under what the recipe is stored, beside its version. It is made of the
// parts as they stand in URLs, so that a route can name it.
func (r Reference) Key() string { return r.Name + "@" + r.User + "/" + r.Channel }

// Revision checks a recipe or package revision and returns it in lower case, as
// it is stored: a hash, or any word of a server of old. What Conan 1 uploads
// without revisions has the revision "0".
func Revision(text string) (string, error) {
	if !word.MatchString(text) {
		return "", fmt.Errorf("the revision %q is invalid: 1 to 51 letters and digits are allowed", text)
	}
	return strings.ToLower(text), nil
}

// PackageID checks the id of a package, a hash of its configuration.
func PackageID(text string) (string, error) {
	if !word.MatchString(text) {
		return "", fmt.Errorf("the package id %q is invalid: 1 to 51 letters and digits are allowed", text)
	}
	return strings.ToLower(text), nil
}
