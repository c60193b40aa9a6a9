package manifest

import (
	"fmt"
	"strings"

	"github.com/pakhus/pakhus/sdk/spec"
)

// schema checks the form of migrations and queries. What their SQL does is for
// the core and PostgreSQL to judge.
func (c *checker) schema() error {
	seen := map[string]bool{}
	for i, m := range c.m.Metadata.Migrations {
		switch {
		case m.Name == "" || len(m.Name) > 100:
			return fmt.Errorf("migrations: number %d: bad name %q", i+1, m.Name)
		case seen[m.Name]:
			return fmt.Errorf("migrations: %s is declared twice", m.Name)
		case strings.TrimSpace(m.SQL) == "":
			return fmt.Errorf("migrations: %s is empty", m.Name)
		}
		seen[m.Name] = true
	}
	queries := map[string]bool{}
	for _, q := range c.m.Metadata.Queries {
		if queries[q.Name] {
			return fmt.Errorf("queries: %s is declared twice", q.Name)
		}
		queries[q.Name] = true
		if err := c.query(q); err != nil {
			return fmt.Errorf("queries: %s: %w", q.Name, err)
		}
	}
	return nil
}

func (c *checker) query(q spec.NamedQuery) error {
	if !c.name.MatchString(q.Name) {
		return fmt.Errorf("bad name %q", q.Name)
	}
	if strings.TrimSpace(q.SQL) == "" {
		return fmt.Errorf("sql: empty")
	}
	for _, t := range q.ArgumentTypes {
		if !c.sql.MatchString(t) {
			return fmt.Errorf("argumentTypes: bad type %q", t)
		}
	}
	if len(q.Result) == 0 {
		return fmt.Errorf("result: no columns")
	}
	columns := map[string]bool{}
	for _, col := range q.Result {
		if !c.name.MatchString(col.Name) || columns[col.Name] {
			return fmt.Errorf("result: bad or repeated column %q", col.Name)
		}
		columns[col.Name] = true
		if !c.sql.MatchString(col.Type) {
			return fmt.Errorf("result: %s: bad type %q", col.Name, col.Type)
		}
	}
	return nil
}
