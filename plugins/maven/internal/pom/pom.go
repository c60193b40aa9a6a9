// Package pom reads what a registry keeps of a project object model, the .pom
// file of a Maven artifact.
package pom

import (
	"fmt"
	"strings"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/sdk/strictxml"
)

// MaxBytes bounds a POM. The largest on Maven Central are a few hundred kilobytes long.
const MaxBytes = 1 << 20

// The bounds of what is kept, so that a row of a POM stays small.
const (
	maxCoordinate   = 255 // bytes of each of a coordinate's parts; more is refused
	maxDependencies = 10_000
	maxLicenses     = 100
	maxName         = 255     // bytes; the rest is cut off
	maxDescription  = 4 << 10 // so here
	maxURL          = 2048    // a longer one is left out
)

// Project is a POM, as it stands: nothing but the group and the version is
// inherited, and expressions (${revision}) are not replaced. What is not written
// is empty.
type Project struct {
	ModelVersion string
	Parent       *layout.Coordinates
	GroupID      string // the parent's where there is none of its own; so the version
	ArtifactID   string
	Version      string
	Packaging    string // "jar" where it is not written
	Name         string
	Description  string
	URL          string // of http or https, or empty; so every other
	Licenses     []License
	SCMURL       string
	// Dependencies are the direct ones, not those of profiles.
	Dependencies []Dependency
	// DependencyManagement says of dependencies wherever they come from which
	// version they have. Scope "import" takes another POM's.
	DependencyManagement []Dependency
	// Relocation says where the artifact is now. What is empty in it has not changed.
	Relocation *layout.Coordinates
}

// License is one under which the project may be used.
type License struct{ Name, URL string }

// Dependency is what a POM says of one. An empty type means "jar", an empty scope
// "compile" or what is managed.
type Dependency struct {
	GroupID, ArtifactID, Version, Scope string
	Optional                            bool
	Type, Classifier                    string
}

// Parse reads a POM. The error is a sentence for who uploaded it.
func Parse(data []byte) (Project, error) {
	var d document
	// Maven's reader knows HTML's entities, and refuses what occurs twice.
	if err := strictxml.Unmarshal(data, &d, strictxml.Root("project"), strictxml.MaxBytes(MaxBytes), strictxml.HTMLEntities()); err != nil {
		return Project{}, fmt.Errorf("the POM is not valid: %w", err)
	}
	p := Project{
		ModelVersion: d.ModelVersion.Value,
		GroupID:      d.GroupID.Value,
		ArtifactID:   d.ArtifactID.Value,
		Version:      d.Version.Value,
		Packaging:    d.Packaging.Value,
		Name:         cut(d.Name.Value, maxName),
		Description:  cut(d.Description.Value, maxDescription),
		URL:          webURL(d.URL.Value),
		SCMURL:       webURL(d.SCM.Value.URL.Value),
	}
	if d.Parent.Present {
		c := d.Parent.Value.coordinates()
		p.Parent = &c
		p.inherit(c)
	}
	if p.Packaging == "" {
		p.Packaging = "jar"
	}
	if r := d.DistributionManagement.Value.Relocation; r.Present {
		c := r.Value.coordinates()
		p.Relocation = &c
	}
	if err := p.check(); err != nil {
		return Project{}, err
	}
	return p, p.takeLists(&d)
}

func (p *Project) inherit(parent layout.Coordinates) {
	if p.GroupID == "" {
		p.GroupID = parent.GroupID
	}
	if p.Version == "" {
		p.Version = parent.Version
	}
}

// check refuses a POM that does not say what it is of.
func (p *Project) check() error {
	if p.GroupID == "" {
		return missing("groupId", ", nor has its parent")
	}
	if p.ArtifactID == "" {
		return missing("artifactId", "")
	}
	if p.Version == "" {
		return missing("version", ", nor has its parent")
	}
	bounded := []field{
		{"modelVersion", p.ModelVersion},
		{"groupId", p.GroupID},
		{"artifactId", p.ArtifactID},
		{"version", p.Version},
		{"packaging", p.Packaging},
	}
	if c := p.Parent; c != nil {
		bounded = append(bounded, field{"parent's groupId", c.GroupID}, field{"parent's artifactId", c.ArtifactID}, field{"parent's version", c.Version})
	}
	if c := p.Relocation; c != nil {
		bounded = append(bounded, field{"relocation's groupId", c.GroupID}, field{"relocation's artifactId", c.ArtifactID}, field{"relocation's version", c.Version})
	}
	return checkLengths("", bounded)
}

// field is a text by its name in errors.
type field struct{ name, text string }

func checkLengths(prefix string, fields []field) error {
	for _, f := range fields {
		if len(f.text) > maxCoordinate {
			return fmt.Errorf("the POM's %s%s has more than %d bytes", prefix, f.name, maxCoordinate)
		}
	}
	return nil
}

func missing(element, more string) error { return fmt.Errorf("the POM has no %s%s", element, more) }

// takeLists takes what there may be many of.
func (p *Project) takeLists(d *document) error {
	direct, managed := d.Dependencies.Value.Dependency, d.DependencyManagement.Value.Dependencies.Value.Dependency
	if len(direct)+len(managed) > maxDependencies {
		return fmt.Errorf("the POM has more than %d dependencies", maxDependencies)
	}
	if len(d.Licenses.Value.License) > maxLicenses {
		return fmt.Errorf("the POM has more than %d licenses", maxLicenses)
	}
	for _, l := range d.Licenses.Value.License {
		p.Licenses = append(p.Licenses, License{Name: cut(l.Name.Value, maxName), URL: webURL(l.URL.Value)})
	}
	var err error
	if p.Dependencies, err = dependencies("dependency", direct); err != nil {
		return err
	}
	p.DependencyManagement, err = dependencies("managed dependency", managed)
	return err
}

func dependencies(kind string, elements []dependency) ([]Dependency, error) {
	var out []Dependency
	for i := range elements {
		e := &elements[i]
		d := Dependency{
			GroupID: e.GroupID.Value, ArtifactID: e.ArtifactID.Value, Version: e.Version.Value, Scope: e.Scope.Value,
			Optional: strings.EqualFold(e.Optional.Value, "true"), Type: e.Type.Value, Classifier: e.Classifier.Value,
		}
		if err := checkLengths(kind+"'s ", []field{
			{"groupId", d.GroupID},
			{"artifactId", d.ArtifactID},
			{"version", d.Version},
			{"scope", d.Scope},
			{"type", d.Type},
			{"classifier", d.Classifier},
		}); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// Agrees refuses a POM that says it is of something else than the path to which
// it is uploaded; the version is that of the path's directory, "1.0-SNAPSHOT" of a
// snapshot. The error is a sentence for who uploaded it.
//
// What has an expression in it ("${revision}") agrees with everything: Maven
// deploys such POMs as they are, and goes by the path.
func (p Project) Agrees(groupID, artifactID, version string) error {
	for _, c := range []struct{ element, pom, path string }{
		{"groupId", p.GroupID, groupID},
		{"artifactId", p.ArtifactID, artifactID},
		{"version", p.Version, version},
	} {
		if c.pom != c.path && !hasExpression(c.pom) {
			return fmt.Errorf("the POM's %s is %q, the path says %q", c.element, c.pom, c.path)
		}
	}
	return nil
}

func hasExpression(s string) bool {
	_, rest, ok := strings.Cut(s, "${")
	return ok && strings.Contains(rest, "}")
}
