package npm

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// publishDocument is what "npm publish" sends. The tarball, base64 in the JSON,
// is an upload already.
type publishDocument struct {
	Name        string                    `json:"name"`
	DistTags    map[string]string         `json:"dist-tags"`
	Versions    map[string]jsontext.Value `json:"versions"`
	Attachments map[string]struct {
		Data sdk.Attached `json:"data"`
	} `json:"_attachments"`
	Readme string `json:"readme"`

	version string         // the only one
	object  jsontext.Value // its version object
}

// publish stores one version: the package, its tarball, what the packument
// shows of it, and its tags; all or nothing.
func publish(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	doc, err := parsePublish(r)
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
	if err := inside.agree(doc, announced); err != nil {
		return nil, err
	}
	row, err := inside.row(doc, announced, tarball)
	if err != nil {
		return nil, err
	}

	plan := sdk.NewPlan()
	pkg := plan.CreatePackage(doc.Name, doc.version, sdk.OnConflict(sdk.Forbidden("Package already exists.")))
	plan.AttachFile(pkg, tarball, tarballName(doc.Name, doc.version))
	if bundle != nil {
		if err := readBundle(ctx, r, *bundle, row); err != nil {
			return nil, err
		}
		plan.AttachFile(pkg, *bundle, bundleName(doc.Name, doc.version))
	}
	plan.Upsert("metadata", pkg, row)
	for tag := range doc.DistTags {
		plan.SetTag(pkg, tag)
	}
	return sdk.JSON(http.StatusOK, map[string]bool{"ok": true}).With(plan), nil
}

// parsePublish reads the document and refuses one that is not a publish of one version.
func parsePublish(r *sdk.Request) (*publishDocument, error) {
	var doc publishDocument
	if err := r.JSON(&doc); err != nil {
		return nil, err
	}
	switch {
	case doc.Name == "":
		return nil, sdk.BadRequest("Name is empty.")
	case doc.Versions == nil:
		return nil, sdk.BadRequest("Versions key is missing from the JSON upload")
	case len(doc.Versions) == 0:
		return nil, sdk.BadRequest("Version is empty.")
	case len(doc.Versions) > 1:
		return nil, sdk.BadRequest("The document has %d versions; one is published at a time", len(doc.Versions))
	}
	if err := checkName(doc.Name); err != nil {
		return nil, err
	}
	if doc.Name != r.Param("name") {
		return nil, sdk.BadRequest("The name %q in the document is not %q, the package that the URL names", doc.Name, r.Param("name"))
	}
	for doc.version, doc.object = range doc.Versions {
		if err := checkVersion(doc.version); err != nil {
			return nil, err
		}
	}
	for tag, version := range doc.DistTags {
		if err := checkTag(tag); err != nil {
			return nil, err
		}
		if version != doc.version {
			return nil, sdk.BadRequest("The dist-tag %q names version %q, and %q is published", tag, version, doc.version)
		}
	}
	return &doc, nil
}

// files returns the tarball and the provenance bundle, if there is one.
func (d *publishDocument) files(r *sdk.Request) (tarball sdk.Upload, bundle *sdk.Upload, err error) {
	attached, ok := d.Attachments[tarballName(d.Name, d.version)]
	if !ok {
		return tarball, nil, sdk.BadRequest("Attachment data is empty.")
	}
	if tarball, err = r.Resolve(attached.Data); err != nil {
		return tarball, nil, err
	}
	if tarball.Size == 0 {
		return tarball, nil, sdk.BadRequest("Attachment data is empty.")
	}
	for key, a := range d.Attachments {
		switch key {
		case tarballName(d.Name, d.version):
		case bundleName(d.Name, d.version):
			u, err := r.Resolve(a.Data)
			if err != nil {
				return tarball, nil, err
			}
			bundle = &u
		default:
			return tarball, nil, sdk.BadRequest("The attachment %q is neither the tarball nor its provenance", key)
		}
	}
	return tarball, bundle, nil
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
		return sdk.BadRequest("dist.shasum is %s, and the sha1 of the tarball that arrived is %x", sum, u.Digests.SHA1)
	}
	for want := range strings.FieldsSeq(a.Dist.Integrity) {
		if sum, ok := strings.CutPrefix(want, "sha512-"); ok && sum != base64.StdEncoding.EncodeToString(u.Digests.SHA512) {
			return sdk.BadRequest("dist.integrity is not that of the tarball that arrived")
		}
	}
	return nil
}
