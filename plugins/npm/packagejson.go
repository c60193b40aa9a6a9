package npm

import (
	"bytes"
	"context"
	"path"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// maxPackageJSON bounds a package.json, in bytes; GitLab's bound.
const maxPackageJSON = 4 << 20

// packageJSON are the fields that decide what an install does. They are kept as
// they are written: npm has accepted much in its time, and [factsOf] reads it.
type packageJSON struct {
	Name                 string         `json:"name"`
	Version              string         `json:"version"`
	Dependencies         jsontext.Value `json:"dependencies"`
	DevDependencies      jsontext.Value `json:"devDependencies"`
	OptionalDependencies jsontext.Value `json:"optionalDependencies"`
	PeerDependencies     jsontext.Value `json:"peerDependencies"`
	PeerDependenciesMeta jsontext.Value `json:"peerDependenciesMeta"`
	BundleDependencies   jsontext.Value `json:"bundleDependencies"`
	BundledDependencies  jsontext.Value `json:"bundledDependencies"`
	Scripts              jsontext.Value `json:"scripts"`
	Bin                  jsontext.Value `json:"bin"`
	Directories          jsontext.Value `json:"directories"`
	Gypfile              jsontext.Value `json:"gypfile"`
	OS                   jsontext.Value `json:"os"`
	CPU                  jsontext.Value `json:"cpu"`
	Libc                 jsontext.Value `json:"libc"`
	Engines              jsontext.Value `json:"engines"`
}

// contents is what a tarball says of itself, which is what counts: it is what
// will be installed.
type contents struct {
	packageJSON

	fields        map[string]jsontext.Value // all of package.json
	shrinkwrap    bool                      // has npm-shrinkwrap.json
	bindingGyp    bool                      // has binding.gyp, so that installing builds it
	otherGyp      bool                      // has another *.gyp
	fileCount     int64
	unpackedBytes int64
}

// readTarball looks into the tarball: a safe one, with one package.json.
func readTarball(ctx context.Context, r *sdk.Request, tarball sdk.Upload) (*contents, error) {
	archive, err := r.Files.Archive(ctx, sdk.ArchiveRead{
		File: sdk.UploadRef(tarball), Kind: sdk.TarGzip, MaxMemberBytes: maxPackageJSON,
		Globs: []string{"*/package.json", "*/npm-shrinkwrap.json", "*/*.gyp"},
	})
	if err != nil {
		return nil, err
	}
	if archive.Refusal != "" {
		return nil, sdk.BadRequest("invalid package file: %s", archive.Refusal)
	}
	in := &contents{fileCount: archive.FileCount, unpackedBytes: archive.UnpackedBytes}
	var document []byte
	for _, m := range archive.Members {
		switch name := path.Base(m.Name); name {
		case "package.json":
			if document != nil {
				return nil, sdk.BadRequest("invalid package file: it has more than one <folder>/package.json")
			}
			document = m.Data
		case "npm-shrinkwrap.json":
			in.shrinkwrap = true
		case "binding.gyp":
			in.bindingGyp = true
		default:
			in.otherGyp = true
		}
	}
	if document == nil {
		return nil, sdk.BadRequest("package.json not found: the tarball has no <folder>/package.json")
	}
	return in, in.parse(document)
}

// parse reads a package.json.
func (in *contents) parse(document []byte) error {
	document = bytes.TrimPrefix(document, []byte("\ufeff")) // npm passes over it too
	for _, into := range []any{&in.fields, &in.packageJSON} {
		if err := strictjson.Unmarshal(document, into); err != nil {
			return sdk.BadRequest("The package.json in the tarball is not valid: %v", err)
		}
	}
	if in.fields == nil {
		return sdk.BadRequest("The package.json in the tarball is not an object")
	}
	return nil
}

// agree refuses a document that says something else than the tarball: a reader
// of the registry would see one package, and an install bring another. On
// success it returns what both say.
func (in *contents) agree(doc *publishDocument, a *announced) (*facts, error) {
	if in.Name != doc.Name || (a.Name != "" && strings.TrimSpace(a.Name) != doc.Name) {
		return nil, incoherent("name")
	}
	if !sameVersion(in.Version, doc.version) || (a.Version != "" && !sameVersion(a.Version, doc.version)) {
		return nil, incoherent("version")
	}
	inside, said := factsOf(&in.packageJSON), factsOf(&a.packageJSON)
	if in.bindingGyp || in.otherGyp {
		// Each client has its own rule for when it adds this, and all of them run it.
		for _, f := range []*facts{inside, said} {
			if f.scripts["install"] == gypInstall {
				delete(f.scripts, "install")
			}
		}
	}
	inside.takeFolderOfCommands(&in.packageJSON, said.bin)
	if field := inside.differs(said); field != "" {
		return nil, incoherent(field)
	}
	inside.hasInstallScript = len(inside.scripts) > 0 || (in.bindingGyp && in.Gypfile.Kind() != 'f')
	return inside, nil
}

func incoherent(field string) error {
	return sdk.BadRequest("Package manifest is not coherent: %q in the document is not that of the package.json in the tarball", field)
}
