package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/sdk/pattern"
	"github.com/pakhus/pakhus/sdk/spec"
)

// reachable refuses a route that can never be taken because one before it takes
// all of its requests: most often a literal path after a parameter that fits it.
func (c *checker) reachable() error {
	patterns := make([]*pattern.Pattern, len(c.m.Routes))
	for i, r := range c.m.Routes {
		p, err := pattern.Compile(r.Pattern, c.m.Validators)
		if err != nil {
			return fmt.Errorf("route %s: Pattern: %w", r.ID, err)
		}
		patterns[i] = p
	}
	for i := range c.m.Routes {
		for j := range i {
			later, earlier := &c.m.Routes[i], &c.m.Routes[j]
			if earlier.Method != later.Method || !subset(earlier.MatchHeaders, later.MatchHeaders) {
				continue
			}
			if l, ok := shared(earlier.Levels, later.Levels); ok && covers(patterns[j], patterns[i]) {
				return fmt.Errorf("route %s: Pattern: never reached at level %d, route %s before it takes the same requests", later.ID, l, earlier.ID)
			}
		}
	}
	return nil
}

// covers reports whether every path that b fits is known to fit a.
func covers(a, b *pattern.Pattern) bool {
	if a.Skeleton() == b.Skeleton() {
		return true
	}
	if len(b.Params()) > 0 {
		return false // not decided; both may be meant
	}
	_, fits := a.Match(b.Skeleton())
	return fits
}

// subset reports whether every request with the headers of b has those of a.
func subset(a, b map[string]string) bool {
	for name, value := range a {
		found := false
		for other, v := range b {
			found = found || strings.EqualFold(name, other) && strings.EqualFold(value, v)
		}
		if !found {
			return false
		}
	}
	return true
}

func shared(a, b []spec.Level) (spec.Level, bool) {
	i := slices.IndexFunc(a, func(l spec.Level) bool { return slices.Contains(b, l) })
	if i < 0 {
		return 0, false
	}
	return a[i], true
}
