// Package version reads, normalises and orders NuGet's versions, and the ranges
// of them that dependencies ask for.
//
// The rules are those of the client (NuGet.Versioning): SemVer 2.0.0 with one to
// four numbers, in which zeros before a number do not count and nothing is
// compared by case.
package version

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// MaxLength bounds a version as it is written, in bytes; GitLab's column holds as much.
const MaxLength = 255

// Version is a version. The zero Version is none.
type Version struct {
	original string
	numbers  [4]int32 // those that are not written are 0
	labels   string   // "rc.1"; empty of a release
	metadata string   // what is behind the "+"
}

// published is GitLab's rule (lib/gitlab/regex/packages.rb). It asks for two
// numbers at least, without zeros before them; but as the third may be left out,
// the last of three or four may be any ("1.0.00").
var published = regexp.MustCompile(`^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))?(?:\.\d+)?(?:[-+].*)?$`)

// ParseStrict reads a version that someone wants to publish: what Parse takes, if
// GitLab takes it too. The error is a sentence.
func ParseStrict(s string) (Version, error) {
	v, err := Parse(s)
	if err != nil {
		return Version{}, err
	}
	if !published.MatchString(s) {
		return Version{}, fmt.Errorf("the version %q is not valid: it must have two to four numbers, without zeros before them", s)
	}
	return v, nil
}

// Parse reads a version as the client does: one to four numbers up to
// 2147483647, labels, build metadata. White space is no part of it. The error is
// a sentence.
func Parse(s string) (Version, error) {
	if len(s) > MaxLength {
		return Version{}, fmt.Errorf("the version has more than %d bytes", MaxLength)
	}
	v := Version{original: s}
	rest, metadata, hasMetadata := strings.Cut(s, "+")
	numbers, labels, hasLabels := strings.Cut(rest, "-") // "-" may be in a label, and in the metadata
	v.labels, v.metadata = labels, metadata
	err := v.takeNumbers(numbers)
	if err == nil && hasLabels {
		err = checkLabels(labels)
	}
	if err == nil && hasMetadata {
		err = checkMetadata(metadata)
	}
	if err != nil {
		return Version{}, fmt.Errorf("the version %q is not valid: %w", s, err)
	}
	return v, nil
}

func (v *Version) takeNumbers(s string) error {
	if s == "" {
		return errors.New("it has no number")
	}
	parts := strings.Split(s, ".")
	if len(parts) > len(v.numbers) {
		return errors.New("it has more than four numbers")
	}
	for i, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return fmt.Errorf("%q is no number", part)
		}
		n, err := strconv.ParseInt(part, 10, 32)
		if err != nil {
			return fmt.Errorf("the number %s is more than %d", part, math.MaxInt32)
		}
		v.numbers[i] = int32(n)
	}
	return nil
}

// checkLabels is SemVer's rule 9.
func checkLabels(s string) error {
	for label := range strings.SplitSeq(s, ".") {
		if err := checkIdentifier(label); err != nil {
			return fmt.Errorf("the label %w", err)
		}
		if len(label) > 1 && label[0] == '0' && strings.Trim(label, "0123456789") == "" {
			return fmt.Errorf("the label %q is a number with a zero before it", label)
		}
	}
	return nil
}

// checkMetadata is SemVer's rule 10.
func checkMetadata(s string) error {
	for part := range strings.SplitSeq(s, ".") {
		if err := checkIdentifier(part); err != nil {
			return fmt.Errorf("the build metadata %w", err)
		}
	}
	return nil
}

func checkIdentifier(s string) error {
	if s == "" {
		return errors.New("has an empty part")
	}
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '-' {
			return fmt.Errorf("%q has the character %q in it, not only letters, digits and -", s, r)
		}
	}
	return nil
}

// Original returns the version as it was written.
func (v Version) Original() string { return v.original }

// Normalized returns the version as clients write it: three numbers, a fourth if
// it is not zero, no zeros before them, the labels as they were written, and no
// build metadata.
func (v Version) Normalized() string {
	s := fmt.Sprintf("%d.%d.%d", v.numbers[0], v.numbers[1], v.numbers[2])
	if v.numbers[3] != 0 {
		s += "." + strconv.Itoa(int(v.numbers[3]))
	}
	if v.labels != "" {
		s += "-" + v.labels
	}
	return s
}

// Key returns what two versions have in common if and only if they are one: the
// normalised version in lower case. It is also their form in URLs.
func (v Version) Key() string { return strings.ToLower(v.Normalized()) }

// IsPrerelease reports whether the version has a label.
func (v Version) IsPrerelease() bool { return v.labels != "" }

// IsSemVer2 reports whether clients that know SemVer 1 only cannot read the
// version: it has two labels or more, or build metadata.
func (v Version) IsSemVer2() bool { return strings.Contains(v.labels, ".") || v.metadata != "" }
