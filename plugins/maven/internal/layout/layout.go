// Package layout reads the paths of a Maven repository: which artifact, version
// and file they mean.
//
// The grammar of names is GitLab's (lib/gitlab/regex/packages.rb), narrowed where
// a name could be no path: see the functions.
package layout

import (
	"errors"
	"fmt"
	"strings"
)

// The bounds of what a path has in it, in bytes.
const (
	MaxName    = 255 // a package's name, "com/example/app"
	MaxVersion = 255
	// MaxFileName is what the registry takes. GitLab's 5000 is more than file
	// systems do, and no client comes near.
	MaxFileName = 1024
)

// Coordinates say which version of which artifact.
type Coordinates struct{ GroupID, ArtifactID, Version string }

// ParseName splits a package's name, "com/example/app", into the group's id,
// "com.example", and the artifact's, "app". The error is a sentence that names
// the part that is wrong.
//
// As with GitLab, a segment may have dots in it. Then another name has the same
// coordinates ("com.example/app"), and is another package.
func ParseName(name string) (groupID, artifactID string, err error) {
	if len(name) > MaxName {
		return "", "", fmt.Errorf("the path of the artifact has more than %d bytes", MaxName)
	}
	segments := strings.Split(name, "/")
	if len(segments) < 2 {
		return "", "", fmt.Errorf("the path %q has no group: it must be group/artifact at least", name)
	}
	for _, s := range segments {
		if err := checkSegment(s, "._-"); err != nil {
			return "", "", fmt.Errorf("the path %q is not valid: %w", name, err)
		}
	}
	last := len(segments) - 1
	return strings.Join(segments[:last], "."), segments[last], nil
}

// CheckVersion refuses what cannot be a version's directory. The error is a
// sentence.
func CheckVersion(v string) error {
	if len(v) > MaxVersion {
		return fmt.Errorf("the version has more than %d bytes", MaxVersion)
	}
	if err := checkSegment(v, "._-+"); err != nil {
		return fmt.Errorf("the version is not valid: %w", err)
	}
	if strings.Contains(v, "..") {
		return fmt.Errorf("the version %q is not valid: it has two dots in a row", v)
	}
	return nil
}

// CheckFileName refuses what cannot be a file's name. The error is a sentence.
func CheckFileName(name string) error {
	if len(name) > MaxFileName {
		return fmt.Errorf("the file name has more than %d bytes", MaxFileName)
	}
	if err := checkSegment(name, "._-+"); err != nil {
		return fmt.Errorf("the file name is not valid: %w", err)
	}
	return nil
}

// checkSegment takes ASCII letters and digits, and the characters of extra.
func checkSegment(s, extra string) error {
	if s == "" {
		return errors.New("a part of it is empty")
	}
	if s == "." || s == ".." {
		return fmt.Errorf("%q is no name", s)
	}
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune(extra, r) {
			return fmt.Errorf("%q has the character %q in it, not only letters, digits and any of %s", s, r, strings.Join(strings.Split(extra, ""), " "))
		}
	}
	return nil
}
