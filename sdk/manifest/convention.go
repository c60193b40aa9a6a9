package manifest

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pakhus/pakhus/sdk/pattern"
	"github.com/pakhus/pakhus/sdk/spec"
)

// convention checks what tells a route at instance level which project or group
// it is about, and that nothing is uploaded where that may be several projects.
func convention(r *spec.Route, params []string) error {
	instance := slices.Contains(r.Levels, spec.LevelInstance)
	several := slices.Contains(r.Levels, spec.LevelGroup)
	if c := r.Convention; c != nil {
		if !instance || r.Action == spec.ActionNone {
			return fmt.Errorf("only for routes at instance level that read or write packages")
		}
		if err := conventionFields(c, params); err != nil {
			return err
		}
		several = several || c.Names == spec.NamesRootGroup
	} else if instance && r.Action != spec.ActionNone {
		return fmt.Errorf("missing: nothing tells which project a request to the whole instance is about")
	}
	if several && files(r.Body.Kind) {
		return fmt.Errorf("files are taken for one project, not for all of a group")
	}
	return nil
}

func conventionFields(c *spec.Convention, params []string) error {
	if c.Value == "" {
		return fmt.Errorf("value: empty")
	}
	query := regexp.MustCompile(`\{\?[A-Za-z0-9_.-]+\}`)
	if err := template(query.ReplaceAllString(c.Value, ""), params); err != nil {
		return fmt.Errorf("value: %w", err)
	}
	if c.Names != spec.NamesProject && c.Names != spec.NamesRootGroup {
		return fmt.Errorf("names: missing or unknown")
	}
	if c.Pattern == "" {
		return nil
	}
	if len(c.Pattern) > pattern.MaxLength {
		return fmt.Errorf("pattern: longer than %d bytes", pattern.MaxLength)
	}
	// By itself too: "a)|(b" would get out of what anchors it.
	if _, err := regexp.Compile(c.Pattern); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	re, err := regexp.Compile(`\A(?:` + c.Pattern + `)\z`)
	if err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	if re.NumSubexp() != 1 {
		return fmt.Errorf("pattern: %d capturing groups; one is the path", re.NumSubexp())
	}
	return nil
}
