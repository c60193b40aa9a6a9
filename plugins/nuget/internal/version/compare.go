package version

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Compare returns less than 0, 0 or more than 0 as v comes before w, is the same
// version, or comes after. It is 0 if and only if the keys are equal.
//
// The order is the client's (VersionComparer): the four numbers, then any
// prerelease before the release, then the labels one by one, the shorter list
// first. A label that is a number comes before one that is not.
func (v Version) Compare(w Version) int {
	if c := slices.Compare(v.numbers[:], w.numbers[:]); c != 0 {
		return c
	}
	switch {
	case v.labels == "" || w.labels == "":
		return cmp.Compare(len(w.labels), len(v.labels)) // one is empty at least
	default:
		return slices.CompareFunc(strings.Split(v.labels, "."), strings.Split(w.labels, "."), compareLabels)
	}
}

// compareLabels takes for a number what .NET's int.TryParse does: "-5" is one,
// and what is more than 2147483647 is not.
func compareLabels(a, b string) int {
	m, aErr := strconv.ParseInt(a, 10, 32)
	n, bErr := strconv.ParseInt(b, 10, 32)
	text := cmp.Compare(strings.ToLower(a), strings.ToLower(b))
	switch {
	case aErr == nil && bErr == nil:
		return cmp.Or(cmp.Compare(m, n), text) // "-0" is not "0"
	case aErr == nil:
		return -1
	case bErr == nil:
		return 1
	default:
		return text
	}
}
