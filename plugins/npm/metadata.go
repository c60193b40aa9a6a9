package npm

import (
	"encoding/base64"
	"encoding/hex"
	stdjson "encoding/json"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
)

// rawJSON is a JSON value of a metadata row, as it is stored.
type rawJSON = stdjson.RawMessage

// The bounds of what is stored of a version, in bytes.
const (
	maxManifest    = 1 << 20 // what the packument repeats for every version
	maxReadme      = 256 << 10
	maxDescription = 4 << 10
	maxAuthor      = 1 << 10
	maxKeywords    = 100
)

// leftOut are not in a version object. GitLab drops the first five too: they are
// long and no installer reads them. The others are not the author's to say.
func leftOut() []string {
	return []string{
		"readme", "readmeFilename", "licenseText", "contributors", "exports",
		"dist", "deprecated", "hasInstallScript", "bundledDependencies",
	}
}

// installFields are what an installer needs of a version (npm's
// docs/responses/package-metadata.md, and what npmjs sends beside it).
func installFields() []string {
	return []string{
		"name", "version", "dependencies", "optionalDependencies", "devDependencies", "bundleDependencies", "peerDependencies",
		"peerDependenciesMeta", "acceptDependencies", "bin", "directories", "engines", "os", "cpu", "libc", "funding",
		"_hasShrinkwrap", "hasInstallScript",
	}
}

// row is what is kept of a version. All of it but a few notes of the client's
// comes from the tarball.
func (in *contents) row(doc *publishDocument, a *announced, f *facts, u sdk.Upload) (sdk.Row, error) {
	object := in.versionObject(doc, a, f)
	manifest := encoded(object)
	if len(manifest) > maxManifest {
		return nil, sdk.BadRequest("Validation failed: Package json structure is too large. Maximum size is %d characters", maxManifest)
	}
	abbreviated := map[string]jsontext.Value{}
	for _, key := range installFields() {
		if v, ok := object[key]; ok {
			abbreviated[key] = v
		}
	}
	return sdk.Row{
		"manifest":    rawJSON(manifest),
		"abbreviated": rawJSON(encoded(abbreviated)),
		"dist": rawJSON(encoded(dist{
			Integrity:    "sha512-" + base64.StdEncoding.EncodeToString(u.Digests.SHA512),
			Shasum:       hex.EncodeToString(u.Digests.SHA1),
			FileCount:    in.fileCount,
			UnpackedSize: in.unpackedBytes,
		})),
		"readme":      firstBytes(readmeOf(in.fields["readme"], a.Readme, doc.Readme), maxReadme),
		"description": firstBytes(textOf(in.fields["description"]), maxDescription),
		"author":      authorOf(in.fields["author"]),
		"keywords":    keywordsOf(in.fields["keywords"]),
	}, nil
}

// versionObject is the version's object of the full document, without what
// changes after publishing or depends on where the registry is.
func (in *contents) versionObject(doc *publishDocument, a *announced, f *facts) map[string]jsontext.Value {
	object := make(map[string]jsontext.Value, len(in.fields)+4)
	for key, value := range in.fields {
		if !strings.HasPrefix(key, "_") && !slices.Contains(leftOut(), key) {
			object[key] = value
		}
	}
	object["name"], object["version"] = encoded(doc.Name), encoded(doc.version)
	for key, note := range map[string]jsontext.Value{"_nodeVersion": a.NodeVersion, "_npmVersion": a.NpmVersion, "gitHead": a.GitHead} {
		if note.Kind() == '"' && len(note) <= maxName {
			object[key] = note
		}
	}
	// Installers trip over the odd forms that clients put right when they publish.
	put(object, "dependencies", dependencies(in.Dependencies))
	put(object, "devDependencies", dependencies(in.DevDependencies))
	put(object, "optionalDependencies", f.optional)
	put(object, "peerDependencies", f.peer)
	put(object, "bin", f.bin)
	if delete(object, "bundleDependencies"); len(f.bundled) > 0 {
		object["bundleDependencies"] = encoded(f.bundled)
	}
	if in.shrinkwrap {
		object["_hasShrinkwrap"] = jsontext.Value("true")
	}
	if f.hasInstallScript {
		object["hasInstallScript"] = jsontext.Value("true")
	}
	return object
}

// put sets a member, or removes it if there is nothing to say.
func put(object map[string]jsontext.Value, key string, value map[string]string) {
	if len(value) == 0 {
		delete(object, key)
		return
	}
	object[key] = encoded(value)
}

// dist is the part of a version's dist that never changes.
type dist struct {
	Integrity    string `json:"integrity"`
	Shasum       string `json:"shasum"`
	FileCount    int64  `json:"fileCount"`
	UnpackedSize int64  `json:"unpackedSize"`
}

// encoded is JSON of what can always be encoded: texts, and values that have
// been decoded strictly.
func encoded(v any) jsontext.Value {
	data, err := json.Marshal(v, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return jsontext.Value("null")
	}
	return data
}

// textOf is a value's text; of anything but a string, "".
func textOf(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// firstBytes cuts a text at a character's end.
func firstBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// readmeOf is the first readme there is: clients put it into different places,
// and npm a sentence where it found none.
func readmeOf(inside jsontext.Value, candidates ...string) string {
	for _, readme := range append([]string{textOf(inside)}, candidates...) {
		if readme != "" && readme != "ERROR: No README data found!" {
			return readme
		}
	}
	return ""
}

// authorOf reads the name of an author given as text or as an object.
func authorOf(v jsontext.Value) string {
	name := texts(v)["name"]
	if v.Kind() == '"' {
		name = textOf(v)
		if end := strings.IndexAny(name, "<("); end >= 0 {
			name = name[:end]
		}
	}
	return firstBytes(strings.TrimSpace(name), maxAuthor)
}

// keywordsOf reads keywords given as a list or as text with commas.
func keywordsOf(v jsontext.Value) []string {
	words := list(v)
	if v.Kind() == '"' {
		words = strings.Split(textOf(v), ",")
	}
	all := []string{}
	for _, w := range words {
		if w = firstBytes(strings.TrimSpace(w), maxName); w != "" && len(all) < maxKeywords {
			all = append(all, w)
		}
	}
	return all
}
