package odata

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

// The bounds of parameters.
const (
	maxParameter = 8 << 10 // bytes of one; a client's longest are of GetUpdates
	maxUpdates   = 500     // packages
)

// parameters are those of a request. Once one is wrong, all others are empty.
type parameters struct {
	get func(name string) []string
	err error
}

func (p *parameters) one(name string) string {
	values := p.get(name)
	switch {
	case p.err != nil || len(values) == 0:
		return ""
	case len(values) > 1:
		p.err = fmt.Errorf("the parameter %s occurs twice", name)
		return ""
	case len(values[0]) > maxParameter:
		p.err = fmt.Errorf("the parameter %s has more than %d bytes", name, maxParameter)
		return ""
	default:
		return values[0]
	}
}

// text reads a text, which is in quotes by OData, and without them by some.
func (p *parameters) text(name string) string {
	s := p.one(name)
	if !strings.HasPrefix(s, "'") {
		return s
	}
	if quoted(s) != len(s) {
		p.fail(name, "a text between quotes")
		return ""
	}
	return unquote(s)
}

func (p *parameters) truth(name string) bool {
	switch s := p.one(name); {
	case s == "" || strings.EqualFold(s, "false"):
		return false
	case strings.EqualFold(s, "true"):
		return true
	default:
		p.fail(name, "true or false")
		return false
	}
}

func (p *parameters) number(name string, without int) int {
	s := p.one(name)
	if s == "" {
		return without
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		p.fail(name, "a whole number, 0 or more")
		return without
	}
	return int(n)
}

func (p *parameters) inlineCount() bool {
	switch p.one("$inlinecount") {
	case "allpages":
		return true
	case "", "none":
		return false
	default:
		p.fail("$inlinecount", "allpages or none")
		return false
	}
}

func (p *parameters) filter() Filter {
	f, err := ParseFilter(p.one("$filter"))
	if err != nil && p.err == nil {
		p.err = err
	}
	return f
}

func (p *parameters) orderBy() []Order {
	orders, err := parseOrderBy(p.one("$orderby"))
	if err != nil && p.err == nil {
		p.err = err
	}
	return orders
}

// updates reads lists that are parted by "|", of which the first entries belong
// together, the second ones, and so on.
func (p *parameters) updates() []Update {
	ids, versions, constraints := p.list("packageIds"), p.list("versions"), p.list("versionConstraints")
	switch {
	case p.err != nil:
		return nil
	case len(ids) > maxUpdates:
		p.err = fmt.Errorf("the parameter packageIds has more than %d ids", maxUpdates)
	case len(ids) != len(versions):
		p.err = errors.New("the parameters packageIds and versions are not of one length")
	case len(constraints) > 0 && len(constraints) != len(ids):
		p.err = errors.New("the parameters packageIds and versionConstraints are not of one length")
	}
	var updates []Update
	for i, id := range ids {
		if p.err != nil {
			return nil
		}
		if names.CheckID(id) != nil {
			continue // a package of another server, which is no concern of this one
		}
		u := Update{ID: id}
		if u.Version, p.err = version.Parse(versions[i]); p.err == nil && len(constraints) > 0 {
			u.Constraint, p.err = version.ParseRange(constraints[i])
		}
		updates = append(updates, u)
	}
	return updates
}

func (p *parameters) list(name string) []string {
	s := p.text(name)
	if s == "" {
		return nil
	}
	return strings.Split(s, "|")
}

func (p *parameters) refuse(name string) {
	if p.err == nil && len(p.get(name)) > 0 {
		p.err = fmt.Errorf("the parameter %s is not supported", name)
	}
}

func (p *parameters) fail(name, want string) {
	if p.err == nil {
		p.err = fmt.Errorf("the parameter %s must be %s", name, want)
	}
}
