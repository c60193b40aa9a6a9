package maven

import (
	"context"
	stdjson "encoding/json"

	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/plugins/maven/internal/pom"
	"github.com/pakhus/pakhus/plugins/maven/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// pomFile is the POM: what a version says of itself.
type pomFile struct {
	*deployed

	project pom.Project
}

// readPOM reads a POM, and refuses one that is another artifact's.
func readPOM(ctx context.Context, r *sdk.Request, d *deployed) (kind, error) {
	data, err := d.content(ctx, r, pom.MaxBytes)
	if err != nil {
		return nil, err
	}
	p, err := pom.Parse(data)
	if err != nil {
		return nil, sdk.BadRequest("%s is no POM: %v", r.Param("file"), err)
	}
	if err := p.Agrees(d.GroupID, d.ArtifactID, d.Version); err != nil {
		return nil, sdk.BadRequest("%s is not where it belongs: %v", r.Param("file"), err)
	}
	return pomFile{deployed: d, project: p}, nil
}

func (p pomFile) plan(ctx context.Context, r *sdk.Request, plan *sdk.Plan, pkg sdk.Ref) (bool, error) {
	row, err := p.row()
	if err != nil {
		return false, err
	}
	plan.Upsert("metadata", pkg, row, "package_id")
	if r.Settings.KeepSnapshots > 0 && version.IsSnapshot(p.Version) {
		plan.Enqueue("purge_snapshots", purgeArgs{Name: p.name, Version: p.Version}, sdk.UniqueKey(p.name+"@"+p.Version))
	}
	extension := mainExtension(p.project.Packaging)
	if extension == "" || p.project.Relocation != nil {
		return true, nil
	}
	withMain, err := p.has(ctx, r, plan, mainOf(r.Param("file"), extension))
	return withMain != nil, err
}

// dependency is what is kept of one.
type dependency struct {
	GroupID    string `json:"group_id"`
	ArtifactID string `json:"artifact_id"`
	Version    string `json:"version,omitzero"`
	Scope      string `json:"scope,omitzero"`
	Type       string `json:"type,omitzero"`
	Classifier string `json:"classifier,omitzero"`
	Optional   bool   `json:"optional,omitzero"`
}

func dependencies(list []pom.Dependency) (stdjson.RawMessage, error) {
	out := make([]dependency, len(list))
	for i, d := range list {
		out[i] = dependency{d.GroupID, d.ArtifactID, d.Version, d.Scope, d.Type, d.Classifier, d.Optional}
	}
	return json.Marshal(out)
}

func (p pomFile) row() (sdk.Row, error) {
	direct, err := dependencies(p.project.Dependencies)
	if err != nil {
		return nil, err
	}
	managed, err := dependencies(p.project.DependencyManagement)
	if err != nil {
		return nil, err
	}
	parent := ""
	if c := p.project.Parent; c != nil {
		parent = c.GroupID + ":" + c.ArtifactID + ":" + c.Version
	}
	licenses := []string{}
	for _, l := range p.project.Licenses {
		if l.Name != "" {
			licenses = append(licenses, l.Name)
		} else if l.URL != "" {
			licenses = append(licenses, l.URL)
		}
	}
	return sdk.Row{
		"group_id": p.GroupID, "artifact_id": p.ArtifactID, "version": p.Version, "packaging": p.project.Packaging, "parent": parent,
		"name": p.project.Name, "description": p.project.Description, "url": p.project.URL, "licenses": licenses,
		"dependencies": direct, "managed_dependencies": managed,
	}, nil
}
