package odata

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Order is one of the properties that a feed is ordered by, the first one first.
type Order struct {
	By         Property // ID or Version
	Descending bool
}

// unordered are the properties that clients order by and of which the registry
// has no order: all have been downloaded equally often, and so on.
func unordered() []string {
	return []string{"DownloadCount", "VersionDownloadCount", "Created", "Published", "LastUpdated", "LastEdited", "Title", "PackageSize"}
}

func parseOrderBy(s string) ([]Order, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var orders []Order
	for part := range strings.SplitSeq(s, ",") {
		fields := strings.Fields(part)
		if len(fields) == 0 || len(fields) > 2 {
			return nil, fmt.Errorf("the order %.200q is not supported", strings.TrimSpace(part))
		}
		var o Order
		if len(fields) == 2 {
			if o.Descending = strings.EqualFold(fields[1], "desc"); !o.Descending && !strings.EqualFold(fields[1], "asc") {
				return nil, fmt.Errorf("the order %.200q is not supported", strings.TrimSpace(part))
			}
		}
		switch name := fields[0]; {
		case strings.EqualFold(name, "Id"):
			o.By = ID
		case strings.EqualFold(name, "Version"), strings.EqualFold(name, "NormalizedVersion"):
			o.By = Version
		case slices.ContainsFunc(unordered(), func(known string) bool { return strings.EqualFold(name, known) }):
			continue
		default:
			return nil, fmt.Errorf("to order by %.200q is not supported", name)
		}
		if !slices.ContainsFunc(orders, func(other Order) bool { return other.By == o.By }) {
			orders = append(orders, o)
		}
	}
	return orders, nil
}

// Compare returns less than 0, 0 or more than 0 as a comes before b in the
// query's feed, is the same package, or comes after. What the query leaves open
// is ordered by the id, then by the version.
func (q Query) Compare(a, b *Facts) int {
	for _, o := range append(slices.Clip(q.OrderBy), Order{By: ID}, Order{By: Version}) {
		var c int
		if o.By == ID {
			c = cmp.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID))
		} else {
			c = a.Version.Compare(b.Version)
		}
		if o.Descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
