package npm

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
)

// packument answers with all versions of a package: whole, or what installers
// need. Its versions are stored as text and put together here; nothing but the
// latest one is decoded.
func packument(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	d := &document{name: r.Param("name"), base: r.BaseURL, column: "manifest"}
	if r.MediaType == abbreviatedType {
		d.column = "abbreviated"
	}
	f := served(d.name)
	f.WithTags, f.WithRows = true, versionRows(d.column)
	var err error
	if d.versions, err = find(ctx, r, f); err != nil {
		return nil, err
	}
	if len(d.versions) == 0 {
		return nil, sdk.ErrNotFound
	}
	if d.tags, err = tagsOf(ctx, r, d.name, d.versions); err != nil {
		return nil, err
	}
	if d.column == "manifest" {
		if err := d.readLatest(ctx, r); err != nil {
			return nil, err
		}
	}
	return sdk.JSONBytes(http.StatusOK, d.encode()).Header("Content-Type", r.MediaType), nil
}

// versionRows asks for what a version object is made of; column is the one of
// its two shapes that is wanted.
func versionRows(column string) []sdk.RowSelection {
	return []sdk.RowSelection{{Table: "metadata", Columns: []string{column, "dist", "predicate_type"}}}
}

// document is a packument being put together.
type document struct {
	name     string
	base     string
	column   string             // "manifest", or "abbreviated"
	versions []sdk.FoundPackage // in the order they were published
	tags     map[string]string

	readme string                    // of the latest version
	latest map[string]jsontext.Value // its version object
}

// packageFields are shown of a package as its latest version has them.
func packageFields() []string {
	return []string{"description", "license", "keywords", "homepage", "repository", "bugs", "author", "maintainers"}
}

// readLatest reads what the full document shows of the package itself.
func (d *document) readLatest(ctx context.Context, r *sdk.Request) error {
	i := slices.IndexFunc(d.versions, func(p sdk.FoundPackage) bool { return p.Package.Version == d.tags["latest"] })
	if i < 0 {
		return nil
	}
	rows, err := r.Meta.Select(ctx, sdk.RowSelect{
		Table: "metadata", Where: sdk.Row{"package_id": d.versions[i].Package.ID}, Columns: []string{"readme", "manifest"}, Limit: 1,
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	d.readme, _ = rows[0]["readme"].(string)
	stored, _ := rows[0]["manifest"].(rawJSON)
	d.latest = members(jsontext.Value(stored))
	return nil
}

func (d *document) encode() []byte {
	b := make([]byte, 0, d.size())
	b = append(b, `{"_id":`...)
	b = appendText(b, d.name)
	b = append(b, `,"_rev":`...)
	b = appendText(b, revision(d.versions))
	b = append(b, `,"name":`...)
	b = appendText(b, d.name)
	b = append(b, `,"dist-tags":`...)
	b = append(b, encoded(d.tags)...)
	b = append(b, `,"versions":{`...)
	for i, v := range d.versions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, v.Package.Version)
		b = append(b, ':')
		b = appendVersion(b, d.base, v, d.column)
	}
	b = append(b, '}')
	b = d.appendTimes(b)
	if d.column == "manifest" {
		b = d.appendPackage(b)
	}
	return append(b, '}')
}

// size is about how many bytes the document will have.
func (d *document) size() int {
	const forEach, rest = 512, 4 << 10
	n := rest + len(d.readme)
	for _, v := range d.versions {
		n += forEach
		for _, row := range v.Rows["metadata"] {
			stored, _ := row[d.column].(rawJSON)
			n += len(stored)
		}
	}
	return n
}

// appendTimes writes when each version was published. Installers ask for it
// too: yarn and pnpm refuse versions that are too young, or of no known age.
func (d *document) appendTimes(b []byte) []byte {
	created, modified := d.versions[0].Package.CreatedAt, d.versions[0].Package.UpdatedAt
	for _, v := range d.versions {
		if v.Package.CreatedAt.Before(created) {
			created = v.Package.CreatedAt
		}
		if v.Package.UpdatedAt.After(modified) {
			modified = v.Package.UpdatedAt
		}
	}
	b = append(b, `,"modified":"`...)
	b = append(b, stamp(modified)...)
	b = append(b, `","time":{"created":"`...)
	b = append(b, stamp(created)...)
	b = append(b, `","modified":"`...)
	b = append(b, stamp(modified)...)
	b = append(b, '"')
	for _, v := range d.versions {
		b = append(b, ',')
		b = appendText(b, v.Package.Version)
		b = append(b, `:"`...)
		b = append(b, stamp(v.Package.CreatedAt)...)
		b = append(b, '"')
	}
	return append(b, '}')
}

func (d *document) appendPackage(b []byte) []byte {
	for _, key := range packageFields() {
		if value, ok := d.latest[key]; ok {
			b = append(b, ',')
			b = appendText(b, key)
			b = append(b, ':')
			b = append(b, value...)
		}
	}
	b = append(b, `,"readme":`...)
	return appendText(b, d.readme)
}

// stamp writes a time as npm does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// appendVersion writes one version object: what is stored, and what depends on
// where the registry is or has changed since.
func appendVersion(b []byte, base string, v sdk.FoundPackage, column string) []byte {
	p := v.Package
	var stored, distributed rawJSON
	var predicate string
	if rows := v.Rows["metadata"]; len(rows) > 0 {
		stored, _ = rows[0][column].(rawJSON)
		distributed, _ = rows[0]["dist"].(rawJSON)
		predicate, _ = rows[0]["predicate_type"].(string)
	}
	b = appendOpen(b, stored)
	b = append(b, `"_id":`...)
	b = appendText(b, p.Name+"@"+p.Version)
	if p.Status == sdk.StatusDeprecated {
		b = append(b, `,"deprecated":`...)
		b = appendText(b, p.StatusMessage)
	}
	b = append(b, `,"dist":`...)
	b = appendOpen(b, distributed)
	if predicate != "" {
		b = append(b, `"attestations":{"url":`...)
		b = appendText(b, base+"/-/npm/v1/attestations/"+p.Name+"@"+p.Version)
		b = append(b, `,"provenance":{"predicateType":`...)
		b = appendText(b, predicate)
		b = append(b, `}},`...)
	}
	b = append(b, `"tarball":`...)
	b = appendText(b, base+"/"+p.Name+"/-/"+tarballName(p.Name, p.Version))
	return append(b, "}}"...)
}

// appendOpen writes a stored object without its end, ready for more members.
// What is stored was encoded by this plugin.
func appendOpen(b []byte, object rawJSON) []byte {
	object = bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(object), []byte("}")))
	if len(object) == 0 {
		return append(b, '{')
	}
	b = append(b, object...)
	if len(object) > 1 {
		b = append(b, ',')
	}
	return b
}

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	quoted, err := jsontext.AppendQuote(b, s)
	if err != nil {
		return append(b, encoded(s)...) // not UTF-8; nothing that came through a request is
	}
	return quoted
}

// distTags returns the tags with the versions they stand on. Without a
// "latest" it is the highest version, as in GitLab.
func distTags(versions []sdk.FoundPackage) map[string]string {
	tags := map[string]string{}
	for _, v := range versions {
		for _, t := range v.Tags {
			tags[t] = v.Package.Version
		}
	}
	return withLatest(tags, versions)
}

func withLatest(tags map[string]string, versions []sdk.FoundPackage) map[string]string {
	if tags["latest"] != "" {
		return tags
	}
	all := make([]string, 0, len(versions))
	for _, v := range versions {
		all = append(all, v.Package.Version)
	}
	if v := highest(all); v != "" {
		tags["latest"] = v
	}
	return tags
}

// revision says which versions a reader has seen: their number and the newest
// one's id. A writer sends it back, and unseen versions are left alone. Ids of
// one package's versions grow in the order in which they appear.
func revision(versions []sdk.FoundPackage) string {
	var newest int64
	for _, v := range versions {
		newest = max(newest, v.Package.ID)
	}
	return strconv.Itoa(len(versions)) + "-" + strconv.FormatInt(newest, 10)
}
