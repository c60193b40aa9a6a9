package npm

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// maxBundle bounds a provenance bundle, in bytes; real ones have some ten thousand.
const maxBundle = 1 << 20

// attestations answers with the provenance that was published with a version.
func attestations(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	name, version := r.Param("name"), r.Param("version")
	found, err := findOne(ctx, r, sdk.Finder{Name: name, Version: version, FileName: bundleName(name, version), WithFiles: true})
	if err != nil {
		return nil, err
	}
	if len(found.Files) == 0 {
		return nil, sdk.NotFound("Attestation")
	}
	data, _, err := r.Files.Read(ctx, sdk.StoredFile(found.Files[0]), 0, maxBundle)
	if err != nil {
		return nil, err
	}
	kind, err := predicateType(data)
	if err != nil {
		return nil, err
	}
	type attestation struct {
		PredicateType string         `json:"predicateType"`
		Bundle        jsontext.Value `json:"bundle"`
	}
	return sdk.JSON(http.StatusOK, map[string][]attestation{"attestations": {{kind, data}}}), nil
}

// readBundle returns the kind of statement in a provenance bundle. The statement
// is not verified: who checks it, checks it against the transparency log.
func readBundle(ctx context.Context, r *sdk.Request, u sdk.Upload) (string, error) {
	if u.Size > maxBundle {
		return "", sdk.BadRequest("The provenance bundle is larger than %d bytes", maxBundle)
	}
	data, _, err := r.Files.Read(ctx, sdk.UploadRef(u), 0, maxBundle)
	if err != nil {
		return "", err
	}
	return predicateType(data)
}

// predicateType reads a sigstore bundle as far as to say what it attests.
func predicateType(bundle []byte) (string, error) {
	var b struct {
		Envelope struct {
			Payload string `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	if err := strictjson.Unmarshal(bundle, &b); err != nil {
		return "", sdk.BadRequest("The provenance bundle is not valid JSON: %v", err)
	}
	statement, err := base64.StdEncoding.DecodeString(b.Envelope.Payload)
	var s struct {
		PredicateType string `json:"predicateType"`
	}
	if err != nil || json.Unmarshal(statement, &s) != nil || s.PredicateType == "" {
		return "", sdk.BadRequest("The provenance bundle has no statement")
	}
	return firstBytes(s.PredicateType, maxDescription), nil
}
