package maven

import (
	"bytes"
	"context"

	"github.com/pakhus/pakhus/plugins/maven/internal/descriptor"
	"github.com/pakhus/pakhus/plugins/maven/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// mainFile is a file without a classifier: what the version is about, if the
// POM's packaging says so.
type mainFile struct {
	*deployed

	plugin *descriptor.Plugin // of a Maven plugin's jar
}

// pluginXML is where a Maven plugin says what it is.
const pluginXML = "META-INF/maven/plugin.xml"

// readMain looks for the descriptor of a Maven plugin in a jar.
func readMain(ctx context.Context, r *sdk.Request, d *deployed) (kind, error) {
	m := mainFile{deployed: d}
	// The names of a zip's members stand in it as they are: a small jar without this one is not asked about.
	if d.file.Extension != "jar" || (d.upload.Inline != nil && !bytes.Contains(d.upload.Inline, []byte(pluginXML))) {
		return m, nil
	}
	const maxDescriptor = 8 << 20 // a plugin with hundreds of goals has some megabytes
	found, err := r.Files.Archive(ctx, sdk.ArchiveRead{
		File: sdk.UploadRef(d.upload), Kind: sdk.Zip, Globs: []string{pluginXML}, MaxMemberBytes: maxDescriptor,
	})
	if err != nil {
		return nil, err
	}
	if found.Refusal != "" {
		// The core is strict about zips, and jars out there are not: a launcher's
		// prefix, a name twice. Such a jar is served, but not looked into.
		r.Log.Info("a jar was not looked into", "file", r.Param("file"), "reason", found.Refusal)
		return m, nil
	}
	for _, member := range found.Members {
		plugin, err := descriptor.Parse(member.Data)
		if err != nil {
			return nil, sdk.BadRequest("%s has a %s that cannot be read: %v", r.Param("file"), pluginXML, err)
		}
		m.plugin = &plugin
	}
	return m, nil
}

func (m mainFile) plan(ctx context.Context, r *sdk.Request, plan *sdk.Plan, pkg sdk.Ref) (bool, error) {
	m.planPlugin(plan, pkg)
	withPOM, err := m.has(ctx, r, plan, pomOf(r.Param("file"), m.file.Extension))
	if err != nil || withPOM == nil {
		return false, err
	}
	return mainExtension(packagingOf(withPOM)) == m.file.Extension, nil
}

// planPlugin writes by which prefix a plugin is called, or takes back what a
// replaced jar had said.
func (m mainFile) planPlugin(plan *sdk.Plan, pkg sdk.Ref) {
	if m.plugin == nil {
		// Only another jar of the version can have said something.
		if m.file.Extension == "jar" && m.stored != nil && (m.same != nil || version.IsSnapshot(m.Version)) {
			plan.DeleteRows("plugins", sdk.Row{"package_id": m.stored.Package.ID})
		}
		return
	}
	prefix := m.plugin.GoalPrefix
	if prefix == "" {
		prefix = descriptor.DefaultPrefix(m.ArtifactID)
	}
	name := m.plugin.Name
	if name == "" {
		name = m.ArtifactID
	}
	plan.Upsert("plugins", pkg, sdk.Row{
		"group_id": m.GroupID, "artifact_id": m.ArtifactID, "prefix": prefix, "name": name,
	}, "package_id")
}
