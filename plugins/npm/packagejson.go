package npm

import (
	"bytes"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

const (
	maxPackageJSON = 4 << 20 // GitLab's bound
	maxManifest    = 1 << 20 // of what the packument repeats for every version
)

// packageJSON are the fields that decide what an install does. Values of odd
// types are kept as they are: npm has accepted much in its time.
type packageJSON struct {
	Name                 string         `json:"name"`
	Version              string         `json:"version"`
	Dependencies         jsontext.Value `json:"dependencies"`
	OptionalDependencies jsontext.Value `json:"optionalDependencies"`
	PeerDependencies     jsontext.Value `json:"peerDependencies"`
	BundleDependencies   jsontext.Value `json:"bundleDependencies"`
	BundledDependencies  jsontext.Value `json:"bundledDependencies"`
	Scripts              jsontext.Value `json:"scripts"`
	Bin                  jsontext.Value `json:"bin"`
}

// inside is what a tarball says of itself, which is what counts: it is what
// will be installed.
type inside struct {
	packageJSON
	fields        map[string]jsontext.Value
	shrinkwrap    bool
	gyp           bool
	fileCount     int64
	unpackedBytes int64
}

// readTarball looks into the tarball: a safe one, with one package.json.
func readTarball(ctx context.Context, r *sdk.Request, tarball sdk.Upload) (*inside, error) {
	archive, err := r.Files.Archive(ctx, sdk.ArchiveRead{
		File: sdk.UploadRef(tarball), Kind: sdk.TarGzip, MaxMemberBytes: maxPackageJSON,
		Globs: []string{"*/package.json", "*/npm-shrinkwrap.json", "*/binding.gyp"},
	})
	if err != nil {
		return nil, err
	}
	if archive.Refusal != "" {
		return nil, sdk.BadRequest("invalid package file: %s", archive.Refusal)
	}
	in := &inside{fileCount: archive.FileCount, unpackedBytes: archive.UnpackedBytes}
	var document []byte
	for _, m := range archive.Members {
		switch path.Base(m.Name) {
		case "package.json":
			if document != nil {
				return nil, sdk.BadRequest("invalid package file: it has more than one package.json")
			}
			document = m.Data
		case "npm-shrinkwrap.json":
			in.shrinkwrap = true
		case "binding.gyp":
			in.gyp = true
		}
	}
	if document == nil {
		return nil, sdk.BadRequest("package.json not found: the tarball has no <folder>/package.json")
	}
	return in, in.parse(document)
}

func (in *inside) parse(document []byte) error {
	document = bytes.TrimPrefix(document, []byte("\ufeff")) // npm passes over it too
	if err := strictjson.Unmarshal(document, &in.fields); err != nil {
		return sdk.BadRequest("The package.json in the tarball is not valid: %v", err)
	}
	if err := strictjson.Unmarshal(document, &in.packageJSON); err != nil {
		return sdk.BadRequest("The package.json in the tarball is not valid: %v", err)
	}
	return nil
}

// agree refuses a document that says something else than the tarball: a reader
// of the registry would see one package, and an install bring another.
func (in *inside) agree(doc *publishDocument, a *announced) error {
	differs := func(field string) error {
		return sdk.BadRequest("Package manifest is not coherent: %q of the document is not that of the package.json in the tarball", field)
	}
	if in.Name != doc.Name || (a.Name != "" && a.Name != doc.Name) {
		return differs("name")
	}
	if cleanVersion(in.Version) != cleanVersion(doc.version) || (a.Version != "" && cleanVersion(a.Version) != cleanVersion(doc.version)) {
		return differs("version")
	}
	// npm adds the optional dependencies to the others when it publishes.
	optional := texts(in.OptionalDependencies)
	without := func(m map[string]string) map[string]string {
		m = maps.Clone(m)
		maps.DeleteFunc(m, func(k, _ string) bool { _, ok := optional[k]; return ok })
		return m
	}
	switch {
	case !maps.Equal(optional, texts(a.OptionalDependencies)):
		return differs("optionalDependencies")
	case !maps.Equal(without(texts(in.Dependencies)), without(texts(a.Dependencies))):
		return differs("dependencies")
	case !maps.Equal(texts(in.PeerDependencies), texts(a.PeerDependencies)):
		return differs("peerDependencies")
	case !slices.Equal(in.bundled(), a.bundled()):
		return differs("bundleDependencies")
	case !maps.Equal(in.installScripts(in.gyp), a.installScripts(in.gyp)):
		return differs("scripts")
	case !maps.Equal(binOf(doc.Name, in.Bin), binOf(doc.Name, a.Bin)):
		return differs("bin")
	}
	return nil
}

// texts returns the members of an object that are text; npm drops the others.
func texts(v jsontext.Value) map[string]string {
	all := map[string]string{}
	var members map[string]jsontext.Value
	if v.Kind() != '{' || json.Unmarshal(v, &members) != nil {
		return all
	}
	for k, m := range members {
		var s string
		if m.Kind() == '"' && json.Unmarshal(m, &s) == nil {
			all[k] = s
		}
	}
	return all
}

// bundled returns the bundled dependencies' names, sorted, under either of the
// key's spellings; "true" means all dependencies.
func (p *packageJSON) bundled() []string {
	v := p.BundleDependencies
	if v == nil {
		v = p.BundledDependencies
	}
	var names []string
	switch v.Kind() {
	case '[':
		_ = json.Unmarshal(v, &names)
	case 't':
		names = slices.Collect(maps.Keys(texts(p.Dependencies)))
	case '{':
		names = slices.Collect(maps.Keys(texts(v)))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// installScripts are the scripts that run when the package is installed. npm
// itself adds the last one for native modules, and shortens paths to binaries.
func (p *packageJSON) installScripts(gyp bool) map[string]string {
	all := texts(p.Scripts)
	maps.DeleteFunc(all, func(k, _ string) bool { return k != "preinstall" && k != "install" && k != "postinstall" })
	for k, s := range all {
		all[k] = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(s, "./"), "node_modules/.bin/"), "node_modules\\.bin\\")
	}
	if gyp && all["install"] == "" && all["preinstall"] == "" {
		all["install"] = "node-gyp rebuild"
	}
	return all
}

// binOf returns the commands: one path means the command of the package's own
// name, without its scope.
func binOf(name string, v jsontext.Value) map[string]string {
	all := map[string]string{}
	clean := func(p string) string {
		return strings.TrimPrefix(path.Join("/", strings.ReplaceAll(p, "\\", "/")), "/")
	}
	var one string
	if v.Kind() == '"' && json.Unmarshal(v, &one) == nil {
		all[path.Base(name)] = clean(one)
		return all
	}
	var list []string
	if v.Kind() == '[' && json.Unmarshal(v, &list) == nil {
		for _, p := range list {
			all[path.Base(p)] = clean(p)
		}
		return all
	}
	for command, p := range texts(v) {
		if command = path.Base(strings.ReplaceAll(command, ":", "/")); command != "" && clean(p) != "" {
			all[command] = clean(p)
		}
	}
	return all
}
