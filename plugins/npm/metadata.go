package npm

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
)

// left out of the full document: GitLab drops them too, for they are long and
// no installer reads them. The readme has a place of its own.
func leftOut() []string {
	return []string{"readme", "readmeFilename", "licenseText", "contributors", "exports", "dist", "_attachments"}
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
func (in *inside) row(doc *publishDocument, a *announced, u sdk.Upload) (sdk.Row, error) {
	fields := in.fields
	fields["name"] = encoded(doc.Name)
	fields["version"] = encoded(doc.version)
	for key, note := range map[string]jsontext.Value{"_nodeVersion": a.NodeVersion, "_npmVersion": a.NpmVersion, "gitHead": a.GitHead} {
		if note.Kind() == '"' {
			fields[key] = note
		}
	}
	delete(fields, "bundledDependencies")
	if names := in.bundled(); len(names) > 0 {
		fields["bundleDependencies"] = encoded(names)
	}
	if bin := binOf(doc.Name, in.Bin); len(bin) > 0 {
		fields["bin"] = encoded(bin)
	}
	if in.shrinkwrap {
		fields["_hasShrinkwrap"] = jsontext.Value("true")
	}
	if len(in.installScripts(in.gyp)) > 0 {
		fields["hasInstallScript"] = jsontext.Value("true")
	}
	readme := textOf(fields["readme"])
	if readme == "" {
		readme = a.Readme
	}
	if readme == "" {
		readme = doc.Readme
	}
	row := sdk.Row{
		"readme":      firstBytes(readme, 256<<10),
		"description": firstBytes(textOf(fields["description"]), 4<<10),
		"author":      authorOf(fields["author"]),
		"keywords":    keywordsOf(fields["keywords"]),
	}
	for _, key := range leftOut() {
		delete(fields, key)
	}
	manifest := encoded(fields)
	if len(manifest) > maxManifest {
		return nil, sdk.BadRequest("Validation failed: Package json structure is too large. Maximum size is %d characters", maxManifest)
	}
	row["manifest"] = rawJSON(manifest)
	short := map[string]jsontext.Value{}
	for _, key := range installFields() {
		if v, ok := fields[key]; ok {
			short[key] = v
		}
	}
	row["abbreviated"] = rawJSON(encoded(short))
	row["dist"] = rawJSON(encoded(dist{
		Integrity:    "sha512-" + base64.StdEncoding.EncodeToString(u.Digests.SHA512),
		Shasum:       hex.EncodeToString(u.Digests.SHA1),
		FileCount:    in.fileCount,
		UnpackedSize: in.unpackedBytes,
	}))
	return row, nil
}

// dist is the part of a version's dist that never changes.
type dist struct {
	Integrity    string `json:"integrity"`
	Shasum       string `json:"shasum"`
	FileCount    int64  `json:"fileCount"`
	UnpackedSize int64  `json:"unpackedSize"`
}

// encoded is JSON of what can always be encoded.
func encoded(v any) jsontext.Value {
	data, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return jsontext.Value("null")
	}
	return data
}

func textOf(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return strings.ReplaceAll(s, "\x00", "")
}

// firstBytes cuts a text at a character's end.
func firstBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// authorOf reads an author given as text or as an object.
func authorOf(v jsontext.Value) string {
	if v.Kind() == '{' {
		return firstBytes(texts(v)["name"], 1<<10)
	}
	name, _, _ := strings.Cut(textOf(v), "<")
	return firstBytes(strings.TrimSpace(name), 1<<10)
}

func keywordsOf(v jsontext.Value) []string {
	words := []string{}
	if v.Kind() == '"' {
		return append(words, strings.FieldsFunc(textOf(v), func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	var list []jsontext.Value
	if v.Kind() == '[' && json.Unmarshal(v, &list) == nil {
		for _, w := range list {
			if s := textOf(w); s != "" && len(words) < 100 {
				words = append(words, firstBytes(s, 255))
			}
		}
	}
	return words
}

// maxBundle bounds a provenance bundle; real ones have some ten kilobytes.
const maxBundle = 1 << 20

// readBundle notes that the version has a provenance, and of which kind. The
// statement is not verified here: who checks it, checks it against the
// transparency log.
func readBundle(ctx context.Context, r *sdk.Request, u sdk.Upload, row sdk.Row) error {
	if u.Size > maxBundle {
		return sdk.BadRequest("The provenance bundle is larger than %d bytes", maxBundle)
	}
	data, _, err := r.Files.Read(ctx, sdk.UploadRef(u), 0, maxBundle)
	if err != nil {
		return err
	}
	kind, err := predicateType(data)
	if err != nil {
		return err
	}
	row["predicate_type"] = kind
	return nil
}
