package version

import (
	"errors"
	"fmt"
	"strings"
)

// MaxRange bounds a range as it is written, in bytes.
const MaxRange = 2*MaxLength + 10

// Range is a set of versions that lies between two, or is open to one side or to
// both. The zero Range has all versions in it.
type Range struct {
	min, max bound
}

// bound is one end of a range; without a version, there is none.
type bound struct {
	version   Version
	present   bool
	inclusive bool
}

// ParseRange reads a range as the client does (VersionRange.Parse, without
// floating): "1.0" is 1.0 and more, "[1.0]" that one only, "[1.0,2.0)" and the
// like an interval, of which one end may be open. No text means any version. The
// error is a sentence.
func ParseRange(s string) (Range, error) {
	if len(s) > MaxRange {
		return Range{}, fmt.Errorf("the version range has more than %d bytes", MaxRange)
	}
	r, err := parseRange(strings.TrimSpace(s))
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return Range{}, fmt.Errorf("the version range %q is not valid: %w", s, err)
	}
	return r, nil
}

func parseRange(s string) (r Range, err error) {
	if s == "" {
		return Range{}, nil
	}
	if strings.Contains(s, "*") {
		return Range{}, errors.New("a package cannot ask for a floating version (*)")
	}
	if s[0] != '[' && s[0] != '(' {
		r.min, err = parseBound(s, true)
		return r, err
	}
	last := s[len(s)-1]
	if len(s) < 2 || last != ']' && last != ')' {
		return Range{}, errors.New("it does not end with ] or )")
	}
	low, high, pair := strings.Cut(s[1:len(s)-1], ",")
	if !pair {
		if s[0] != '[' || last != ']' {
			return Range{}, errors.New("one version must stand between [ and ]")
		}
		if strings.TrimSpace(low) == "" {
			return Range{}, errors.New("there is nothing between the brackets")
		}
		high = low
	}
	if low == "" && high == "" {
		// To the client this is an error, while "(, )", which it writes itself, is all versions.
		return Range{}, errors.New("there is nothing between the brackets")
	}
	if r.min, err = parseBound(low, s[0] == '['); err != nil {
		return Range{}, err
	}
	r.max, err = parseBound(high, last == ']')
	return r, err
}

func parseBound(s string, inclusive bool) (bound, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return bound{}, nil
	}
	v, err := Parse(s)
	return bound{version: v, present: true, inclusive: inclusive}, err
}

// check refuses an interval of which the client says that it is none. One with
// nothing in it, "(1.0,1.0)", it takes.
func (r Range) check() error {
	if !r.min.present || !r.max.present {
		return nil
	}
	c := r.min.version.Compare(r.max.version)
	if c > 0 {
		return errors.New("it ends before it begins")
	}
	if c == 0 && r.min.inclusive != r.max.inclusive {
		return errors.New("the one version is both in it and not")
	}
	return nil
}

// Normalized returns the range as nuget.org writes it: "[1.0.0, )", "(, 2.0.0]",
// "[1.0.0, 1.0.0]", "(, )".
func (r Range) Normalized() string {
	s := "("
	if r.min.present {
		if r.min.inclusive {
			s = "["
		}
		s += r.min.version.Normalized()
	}
	s += ", "
	end := ")"
	if r.max.present {
		if r.max.inclusive {
			end = "]"
		}
		s += r.max.version.Normalized()
	}
	return s + end
}

// IsSemVer2 reports whether one of the ends is a version that needs SemVer 2.
func (r Range) IsSemVer2() bool { return r.min.version.IsSemVer2() || r.max.version.IsSemVer2() }

// Satisfies reports whether v is in the range, by the order of versions alone: a
// prerelease of the upper end is in it, though few would want it.
func (r Range) Satisfies(v Version) bool {
	if r.min.present {
		if c := v.Compare(r.min.version); c < 0 || c == 0 && !r.min.inclusive {
			return false
		}
	}
	if r.max.present {
		if c := v.Compare(r.max.version); c > 0 || c == 0 && !r.max.inclusive {
			return false
		}
	}
	return true
}
