package npm

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// maxTags bounds the dist-tags of one publish; clients send one.
const maxTags = 100

// publish stores one version: the package, its tarball, what the packument
// shows of it, and its tags; all or nothing.
func publish(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	doc, err := parsePublish(r.Body(), r.Param("name"))
	if err != nil {
		return nil, err
	}
	tarball, bundle, err := doc.files(r)
	if err != nil {
		return nil, err
	}
	announced, err := parseAnnounced(doc.object)
	if err != nil {
		return nil, err
	}
	if err := announced.checkDigests(tarball); err != nil {
		return nil, err
	}
	inside, err := readTarball(ctx, r, tarball)
	if err != nil {
		return nil, err
	}
	facts, err := inside.agree(doc, announced)
	if err != nil {
		return nil, err
	}
	row, err := inside.row(doc, announced, facts, tarball)
	if err != nil {
		return nil, err
	}

	plan := sdk.NewPlan()
	pkg := plan.CreatePackage(doc.Name, doc.version, sdk.OnConflict(sdk.Forbidden("Package already exists.")))
	plan.AttachFile(pkg, tarball, tarballName(doc.Name, doc.version))
	if bundle != nil {
		if row["predicate_type"], err = readBundle(ctx, r, *bundle); err != nil {
			return nil, err
		}
		plan.AttachFile(pkg, *bundle, bundleName(doc.Name, doc.version))
	}
	plan.Upsert("metadata", pkg, row)
	for _, tag := range slices.Sorted(maps.Keys(doc.DistTags)) {
		plan.SetTag(pkg, tag)
	}
	return sdk.JSON(http.StatusOK, map[string]bool{"ok": true}).With(plan), nil
}

// publishDocument is what "npm publish" sends. The tarball, base64 in the JSON,
// is an upload already.
type publishDocument struct {
	Name        string                    `json:"name"`
	DistTags    map[string]string         `json:"dist-tags"`
	Versions    map[string]jsontext.Value `json:"versions"`
	Attachments map[string]struct {
		Data jsontext.Value `json:"data"` // in place of a file, sdk.Attached
	} `json:"_attachments"`
	Readme string `json:"readme"`

	version string         // the only one
	object  jsontext.Value // its version object
}

// parsePublish reads the document that was sent for a package, and refuses one
// that is not a publish of one version.
func parsePublish(body []byte, name string) (*publishDocument, error) {
	var doc publishDocument
	if err := strictjson.Unmarshal(body, &doc); err != nil {
		return nil, sdk.BadRequest("Invalid json: %v", err)
	}
	switch {
	case doc.Name == "":
		return nil, sdk.BadRequest("Name is empty.")
	case doc.Versions == nil:
		return nil, sdk.BadRequest("Versions key is missing from the JSON upload")
	case len(doc.Versions) == 0:
		return nil, sdk.BadRequest("Version is empty.")
	case len(doc.Attachments) == 0 && len(doc.Versions) > 1:
		// pnpm 11 does so. Who may deprecate is another question than who may publish, so the route must tell.
		return nil, sdk.BadRequest(`Attachment data is empty. To deprecate versions, send the header "npm-command: deprecate", as npm and pnpm 12 do`)
	case len(doc.Versions) > 1:
		return nil, sdk.BadRequest("The document has %d versions; one is published at a time", len(doc.Versions))
	case len(doc.DistTags) > maxTags:
		return nil, sdk.BadRequest("The document has %d dist-tags; at most %d are set at a time", len(doc.DistTags), maxTags)
	}
	if err := checkName(doc.Name); err != nil {
		return nil, err
	}
	if doc.Name != name {
		return nil, sdk.BadRequest("The name %q in the document is not %q, the package that the URL names", doc.Name, name)
	}
	for doc.version, doc.object = range doc.Versions {
		if err := checkVersion(doc.version); err != nil {
			return nil, err
		}
	}
	return &doc, doc.checkTags()
}

func (d *publishDocument) checkTags() error {
	for _, tag := range slices.Sorted(maps.Keys(d.DistTags)) {
		if err := checkTag(tag); err != nil {
			return err
		}
		if version := d.DistTags[tag]; version != d.version {
			return sdk.BadRequest("The dist-tag %q names version %q, and %q is published", tag, version, d.version)
		}
	}
	return nil
}

// files returns the tarball and the provenance bundle, if there is one.
func (d *publishDocument) files(r *sdk.Request) (tarball sdk.Upload, bundle *sdk.Upload, err error) {
	for _, key := range slices.Sorted(maps.Keys(d.Attachments)) {
		if key != tarballName(d.Name, d.version) && key != bundleName(d.Name, d.version) {
			return tarball, nil, sdk.BadRequest("The attachment %q is neither %q nor its provenance", key, tarballName(d.Name, d.version))
		}
	}
	if tarball, err = d.upload(r, tarballName(d.Name, d.version)); err != nil {
		return tarball, nil, err
	}
	if _, signed := d.Attachments[bundleName(d.Name, d.version)]; signed {
		u, err := d.upload(r, bundleName(d.Name, d.version))
		if err != nil {
			return tarball, nil, err
		}
		bundle = &u
	}
	return tarball, bundle, nil
}

// upload returns the upload that an attachment became.
func (d *publishDocument) upload(r *sdk.Request, key string) (sdk.Upload, error) {
	var attached sdk.Attached
	if data := d.Attachments[key].Data; data.Kind() == '{' {
		if err := json.Unmarshal(data, &attached); err != nil {
			return sdk.Upload{}, sdk.BadRequest("Invalid json: the attachment %q: %v", key, err)
		}
	}
	u, err := r.Resolve(attached)
	if err == nil && u.Size == 0 {
		err = sdk.BadRequest("Attachment data is empty.")
	}
	return u, err
}

// announced is what the document says of the version.
type announced struct {
	packageJSON

	Dist struct {
		Shasum    string `json:"shasum"`
		Integrity string `json:"integrity"`
	} `json:"dist"`
	Readme      string         `json:"readme"`
	NodeVersion jsontext.Value `json:"_nodeVersion"`
	NpmVersion  jsontext.Value `json:"_npmVersion"`
	GitHead     jsontext.Value `json:"gitHead"`
}

func parseAnnounced(object jsontext.Value) (*announced, error) {
	var a announced
	if err := strictjson.Unmarshal(object, &a); err != nil {
		return nil, sdk.BadRequest("Invalid json: the version object: %v", err)
	}
	return &a, nil
}

// checkDigests compares what the client has computed with what has arrived.
func (a *announced) checkDigests(u sdk.Upload) error {
	if sum := a.Dist.Shasum; sum != "" && !strings.EqualFold(sum, hex.EncodeToString(u.Digests.SHA1)) {
		return sdk.BadRequest("dist.shasum is %q, and the SHA-1 of the tarball that arrived is %x", sum, u.Digests.SHA1)
	}
	want := "sha512-" + base64.StdEncoding.EncodeToString(u.Digests.SHA512)
	for sum := range strings.FieldsSeq(a.Dist.Integrity) {
		sum, _, _ = strings.Cut(sum, "?") // options, of which none is defined
		if strings.HasPrefix(sum, "sha512-") && sum != want {
			return sdk.BadRequest("dist.integrity is %q, and that of the tarball that arrived is %q", sum, want)
		}
	}
	return nil
}
