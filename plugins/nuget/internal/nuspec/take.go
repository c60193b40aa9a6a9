package nuspec

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

// The bounds of what is kept, so that a row of a manifest stays small. Lengths
// are in characters.
const (
	maxName         = 255  // GitLab's, of the authors; the rest is cut off
	maxText         = 4000 // GitLab's, of the description; so here
	maxURL          = 255  // GitLab's; more is refused, as in all below
	maxValue        = 500  // the gallery's, of a license expression
	maxTag          = 255  // GitLab's
	maxTags         = 200
	maxPackageTypes = 20
	maxGroups       = 200
	maxDependencies = 2000      // in all groups
	maxListed       = 256 << 10 // bytes of all of them
)

// cut returns the beginning of s of at most n characters.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return strings.TrimRightFunc(s[:i], unicode.IsSpace)
		}
		n--
	}
	return s
}

// value returns a text without white space around it, which means something only
// if it is whole.
func value(name, text string) (string, error) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > maxValue {
		return "", fmt.Errorf("the nuspec's %s has more than %d characters", name, maxValue)
	}
	return text, nil
}

func (n *Nuspec) takeIdentity(m *metadata) (err error) {
	if m.ID.Value == "" {
		return missing("id")
	}
	if m.Version.Value == "" {
		return missing("version")
	}
	n.ID = m.ID.Value
	if err := names.CheckID(n.ID); err != nil {
		return err
	}
	n.Version, err = version.ParseStrict(m.Version.Value)
	return err
}

func (n *Nuspec) takeValues(m *metadata) (err error) {
	r := &m.Repository.Value
	for _, f := range []struct {
		name, text string
		into       *string
	}{
		{"language", m.Language.Value, &n.Language},
		{"minClientVersion", m.MinClientVersion, &n.MinClientVersion},
		{"icon", m.Icon.Value, &n.Icon},
		{"readme", m.Readme.Value, &n.Readme},
		{"repository type", r.Type, &n.Repository.Type},
		{"repository url", r.URL, &n.Repository.URL},
		{"repository branch", r.Branch, &n.Repository.Branch},
		{"repository commit", r.Commit, &n.Repository.Commit},
	} {
		if *f.into, err = value(f.name, f.text); err != nil {
			return err
		}
	}
	return nil
}

// takeURLs refuses what a page cannot link to, as GitLab does.
func (n *Nuspec) takeURLs(m *metadata) error {
	for _, f := range []struct {
		name, text string
		into       *string
	}{
		{"projectUrl", m.ProjectURL.Value, &n.ProjectURL},
		{"licenseUrl", m.LicenseURL.Value, &n.LicenseURL},
		{"iconUrl", m.IconURL.Value, &n.IconURL},
	} {
		if f.text == "" {
			continue
		}
		if utf8.RuneCountInString(f.text) > maxURL {
			return fmt.Errorf("the nuspec's %s has more than %d characters", f.name, maxURL)
		}
		u, err := url.Parse(f.text)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("the nuspec's %s is not a URL of http or https", f.name)
		}
		*f.into = f.text
	}
	return nil
}

func (n *Nuspec) takeLicense(m *metadata) (err error) {
	if !m.License.Present {
		return nil
	}
	l := License{Type: strings.TrimSpace(m.License.Value.Type)}
	if l.Type != "expression" && l.Type != "file" {
		return errors.New(`the nuspec's license must have the type "expression" or "file"`)
	}
	if l.Text, err = value("license", m.License.Value.Text); err != nil {
		return err
	}
	if l.Text == "" {
		return errors.New("the nuspec's license is empty")
	}
	n.License = l
	return nil
}

func (n *Nuspec) takeTags(m *metadata) error {
	parted := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	known := make(map[string]bool)
	for tag := range strings.FieldsFuncSeq(m.Tags.Value, parted) {
		if known[tag] {
			continue
		}
		if utf8.RuneCountInString(tag) > maxTag {
			return fmt.Errorf("the nuspec has a tag of more than %d characters", maxTag)
		}
		if len(known) == maxTags {
			return fmt.Errorf("the nuspec has more than %d tags", maxTags)
		}
		known[tag] = true
		n.Tags = append(n.Tags, tag)
	}
	return nil
}

func (n *Nuspec) takePackageTypes(m *metadata) (err error) {
	types := m.PackageTypes.Value.PackageType
	if len(types) > maxPackageTypes {
		return fmt.Errorf("the nuspec has more than %d package types", maxPackageTypes)
	}
	for _, e := range types {
		var t PackageType
		if t.Name, err = value("package type", e.Name); err != nil {
			return err
		}
		if t.Version, err = value("package type's version", e.Version); err != nil {
			return err
		}
		if t.Name == "" {
			return errors.New("the nuspec has a package type without a name")
		}
		n.PackageTypes = append(n.PackageTypes, t)
	}
	return nil
}

// takeGroups does as the client (NuspecReader): where there is a group, what
// stands beside the groups does not count; where there is none, it is one.
func (n *Nuspec) takeGroups(m *metadata) error {
	groups := m.Dependencies.Value.Group
	if flat := m.Dependencies.Value.Dependency; len(groups) == 0 && len(flat) > 0 {
		groups = []group{{Dependency: flat}}
	}
	if len(groups) > maxGroups {
		return fmt.Errorf("the nuspec has more than %d groups of dependencies", maxGroups)
	}
	count, listed := 0, 0
	for _, e := range groups {
		if count += len(e.Dependency); count > maxDependencies {
			return fmt.Errorf("the nuspec has more than %d dependencies", maxDependencies)
		}
		g, err := e.group()
		if err != nil {
			return err
		}
		if listed += g.size(); listed > maxListed {
			return fmt.Errorf("the nuspec's dependencies have more than %d bytes", maxListed)
		}
		n.Groups = append(n.Groups, g)
	}
	return nil
}

func (e *group) group() (g Group, err error) {
	if g.TargetFramework, err = value("target framework", e.TargetFramework); err != nil {
		return Group{}, err
	}
	// In the feeds of version 2, these part one dependency from the next.
	if strings.ContainsAny(g.TargetFramework, ":|") {
		return Group{}, fmt.Errorf("the nuspec's target framework %q is not valid", g.TargetFramework)
	}
	for i := range e.Dependency {
		d, err := e.Dependency[i].dependency()
		if err != nil {
			return Group{}, err
		}
		g.Dependencies = append(g.Dependencies, d)
	}
	return g, nil
}

func (e *dependency) dependency() (d Dependency, err error) {
	d = Dependency{ID: strings.TrimSpace(e.ID), Range: strings.TrimSpace(e.Version)}
	if err := names.CheckDependency(d.ID); err != nil {
		return Dependency{}, err
	}
	if _, err := version.ParseRange(d.Range); err != nil {
		return Dependency{}, fmt.Errorf("the dependency %s: %w", d.ID, err)
	}
	if d.Include, err = value("dependency's include", e.Include); err != nil {
		return Dependency{}, err
	}
	d.Exclude, err = value("dependency's exclude", e.Exclude)
	return d, err
}

func (g Group) size() int {
	n := len(g.TargetFramework)
	for _, d := range g.Dependencies {
		n += len(d.ID) + len(d.Range) + len(d.Include) + len(d.Exclude)
	}
	return n
}
