package npm

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

type rawJSON = json.RawMessage

// packument answers with all versions of a package: whole, or what installers
// need. Its versions are stored as text and put together here; nothing is
// decoded.
func packument(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	d := &document{name: r.Param("name"), base: r.BaseURL, abbreviated: r.MediaType == abbreviatedType}
	columns := []string{"manifest", "dist", "predicate_type"}
	if d.abbreviated {
		columns[0] = "abbreviated"
	}
	finder := sdk.Finder{Name: d.name, WithTags: true, WithRows: []sdk.RowSelection{{Table: "metadata", Columns: columns}}}
	for found, err := range r.Packages.Each(ctx, finder) {
		if err != nil {
			return nil, err
		}
		d.versions = append(d.versions, found)
	}
	if len(d.versions) == 0 {
		return nil, sdk.ErrNotFound
	}
	if !d.abbreviated {
		if err := d.readReadme(ctx, r); err != nil {
			return nil, err
		}
	}
	return sdk.JSONBytes(http.StatusOK, d.encode()).Header("Content-Type", r.MediaType), nil
}

// document is a packument being put together.
type document struct {
	name        string
	base        string
	abbreviated bool
	versions    []sdk.FoundPackage // in the order they were published
	readme      string
}

func (d *document) readReadme(ctx context.Context, r *sdk.Request) error {
	latest := distTags(d.versions)["latest"]
	i := slices.IndexFunc(d.versions, func(p sdk.FoundPackage) bool { return p.Package.Version == latest })
	if i < 0 {
		return nil
	}
	rows, err := r.Meta.Select(ctx, sdk.RowSelect{
		Table: "metadata", Where: sdk.Row{"package_id": d.versions[i].Package.ID}, Columns: []string{"readme"}, Limit: 1,
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	d.readme, _ = rows[0]["readme"].(string)
	return nil
}

func (d *document) encode() []byte {
	var b bytes.Buffer
	b.WriteString(`{"_id":`)
	b.Write(encoded(d.name))
	b.WriteString(`,"_rev":`)
	b.Write(encoded(revision(d.versions)))
	b.WriteString(`,"name":`)
	b.Write(encoded(d.name))
	b.WriteString(`,"dist-tags":`)
	b.Write(encoded(distTags(d.versions)))
	b.WriteString(`,"versions":{`)
	for i, v := range d.versions {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encoded(v.Package.Version))
		b.WriteByte(':')
		writeVersion(&b, d.base, v, d.column())
	}
	b.WriteByte('}')
	d.times(&b)
	if !d.abbreviated {
		b.WriteString(`,"readme":`)
		b.Write(encoded(d.readme))
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (d *document) column() string {
	if d.abbreviated {
		return "abbreviated"
	}
	return "manifest"
}

// times is when each version was published. Installers ask for it too: yarn
// and pnpm refuse versions that are too young, or of no known age.
func (d *document) times(b *bytes.Buffer) {
	created, modified := d.versions[0].Package.CreatedAt, d.versions[0].Package.UpdatedAt
	for _, v := range d.versions {
		if v.Package.CreatedAt.Before(created) {
			created = v.Package.CreatedAt
		}
		if v.Package.UpdatedAt.After(modified) {
			modified = v.Package.UpdatedAt
		}
	}
	b.WriteString(`,"modified":"` + stamp(modified) + `","time":{"created":"` + stamp(created) + `","modified":"` + stamp(modified) + `"`)
	for _, v := range d.versions {
		b.WriteByte(',')
		b.Write(encoded(v.Package.Version))
		b.WriteString(`:"` + stamp(v.Package.CreatedAt) + `"`)
	}
	b.WriteByte('}')
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// writeVersion writes one version object: what is stored, and what depends on
// where the registry is or has changed since.
func writeVersion(b *bytes.Buffer, base string, v sdk.FoundPackage, column string) {
	p := v.Package
	stored, distributed, predicate := rawJSON("{}"), rawJSON("{}"), ""
	if rows := v.Rows["metadata"]; len(rows) > 0 {
		stored, _ = rows[0][column].(rawJSON)
		distributed, _ = rows[0]["dist"].(rawJSON)
		predicate, _ = rows[0]["predicate_type"].(string)
	}
	open(b, stored)
	b.WriteString(`"_id":`)
	b.Write(encoded(p.Name + "@" + p.Version))
	if p.Status == sdk.StatusDeprecated {
		b.WriteString(`,"deprecated":`)
		b.Write(encoded(p.StatusMessage))
	}
	b.WriteString(`,"dist":`)
	open(b, distributed)
	if predicate != "" {
		b.WriteString(`"attestations":{"url":`)
		b.Write(encoded(base + "/-/npm/v1/attestations/" + p.Name + "@" + p.Version))
		b.WriteString(`,"provenance":{"predicateType":`)
		b.Write(encoded(predicate))
		b.WriteString(`}},`)
	}
	b.WriteString(`"tarball":`)
	b.Write(encoded(base + "/" + p.Name + "/-/" + tarballName(p.Name, p.Version)))
	b.WriteString(`}}`)
}

// open writes a stored object without its end, ready for more members.
func open(b *bytes.Buffer, object rawJSON) {
	object = bytes.TrimSpace(object)
	object = bytes.TrimSpace(bytes.TrimSuffix(object, []byte("}")))
	b.Write(object)
	if len(object) > 1 {
		b.WriteByte(',')
	}
}

// distTags returns the tags with the versions they stand on. Without a
// "latest" it is the highest version, as in GitLab.
func distTags(versions []sdk.FoundPackage) map[string]string {
	tags := map[string]string{}
	all := make([]string, 0, len(versions))
	for _, v := range versions {
		all = append(all, v.Package.Version)
		for _, t := range v.Tags {
			tags[t] = v.Package.Version
		}
	}
	if tags["latest"] == "" {
		if v := highest(all); v != "" {
			tags["latest"] = v
		}
	}
	return tags
}

// revision says which versions a reader has seen: their number and the newest
// one's id. A writer sends it back, and unseen versions are left alone.
func revision(versions []sdk.FoundPackage) string {
	var newest int64
	for _, v := range versions {
		newest = max(newest, v.Package.ID)
	}
	return strconv.Itoa(len(versions)) + "-" + strconv.FormatInt(newest, 10)
}
