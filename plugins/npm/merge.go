package npm

import (
	"context"

	"github.com/pakhus/pakhus/sdk"
)

// A request at group or instance level is about all projects that the caller
// may read. Several of them may have a package of the same name: their versions
// are one list. Where two projects have the same version, the one published
// last is served; where two have the same tag, the one set last (as GitLab with
// packages in multiple projects).

// everywhere are the levels of what can be asked of one project, of a group and
// of the whole instance.
func everywhere() []sdk.Level {
	return []sdk.Level{sdk.LevelProject, sdk.LevelGroup, sdk.LevelInstance}
}

// byScope tells where a package lives: "@scope/name" in the root group "scope",
// GitLab's naming convention. A package without a scope is known to projects
// and groups only.
func byScope() *sdk.Convention {
	return &sdk.Convention{Value: "{name}", Pattern: "@([^/]+)/.+", Names: sdk.NamesRootGroup}
}

// served selects the versions of a package that clients are told of: those whose
// tarball is there. It may have been deleted by itself, through the packages API.
func served(name string) sdk.Finder { return sdk.Finder{Name: name, FileSuffix: ".tgz"} }

// find returns the versions that a finder selects, each once, in the order in
// which they were published.
func find(ctx context.Context, r *sdk.Request, f sdk.Finder) ([]sdk.FoundPackage, error) {
	found, err := r.Packages.Find(ctx, f)
	if err != nil || r.Project.ID != 0 {
		return found, err
	}
	last := map[string]int{}
	for i, v := range found {
		last[v.Package.Version] = i
	}
	each := found[:0]
	for i, v := range found {
		if last[v.Package.Version] == i {
			each = append(each, v)
		}
	}
	return each, nil
}

// findOne returns the version that a finder selects, or [sdk.ErrNotFound].
func findOne(ctx context.Context, r *sdk.Request, f sdk.Finder) (sdk.FoundPackage, error) {
	if r.Project.ID != 0 {
		return r.Packages.First(ctx, f)
	}
	f.Limit = 0 // of several, the last is wanted
	found, err := r.Packages.Find(ctx, f)
	if err != nil {
		return sdk.FoundPackage{}, err
	}
	if len(found) == 0 {
		return sdk.FoundPackage{}, sdk.ErrNotFound
	}
	return found[len(found)-1], nil
}

// lastTagsQuery finds the tags of a package name in several projects.
func lastTagsQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "last_tags",
		SQL: `
			select distinct on (t.name) t.name, p.version, p.project_id
			from core_api.packages p
			join core_api.package_tags t on t.package_id = p.id
			where p.project_id = any ($1) and p.name_key = $2 and p.status in ('default', 'hidden', 'deprecated')
			  and exists (select from core_api.package_files f where f.package_id = p.id and f.file_name like '%.tgz' offset 0)
			order by t.name, t.updated_at desc, p.id desc`,
		ArgumentTypes: []string{"text"},
		Result:        []sdk.QueryColumn{{Name: "name", Type: "text"}, {Name: "version", Type: "text"}, {Name: "project_id", Type: "bigint"}},
	}
}

// tagsOf returns the dist-tags of versions that were found with their tags.
func tagsOf(ctx context.Context, r *sdk.Request, name string, versions []sdk.FoundPackage) (map[string]string, error) {
	if r.Project.ID != 0 {
		return distTags(versions), nil
	}
	rows, err := r.Meta.Query(ctx, "last_tags", name)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, row := range rows {
		tag, _ := row["name"].(string)
		tags[tag], _ = row["version"].(string)
	}
	return withLatest(tags, versions), nil
}

// projectOfTag returns the project whose tag tagsOf shows; 0 if there is none.
func projectOfTag(ctx context.Context, r *sdk.Request, name, tag string) (int64, error) {
	rows, err := r.Meta.Query(ctx, "last_tags", name)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		if row["name"] == tag {
			project, _ := row["project_id"].(int64)
			return project, nil
		}
	}
	return 0, nil
}
