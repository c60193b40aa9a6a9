package maven

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/sdk"
)

// putChecksum compares the digest that a client has sent with the stored file's.
// Nothing is stored of it: what is served is always made from the file.
func putChecksum(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	name, v, file, algorithm := r.Param("name"), r.Param("version"), r.Param("file"), r.Param("algorithm")
	if err := checkPath(name, v, file); err != nil {
		return nil, err
	}
	sent, err := layout.ParseChecksum(r.Body(), algorithm)
	if err != nil {
		return nil, sdk.BadRequest("%v", err)
	}
	found, err := r.Packages.First(ctx, fileFinder(name, v, file))
	if err != nil && !errors.Is(err, sdk.ErrNotFound) {
		return nil, err
	}
	if len(found.Files) == 0 {
		return nil, sdk.Because(sdk.Problem(http.StatusNotFound, "%s is not stored: there is nothing to compare its %s with", file, algorithm), err)
	}
	stored := hex.EncodeToString(digestOf(found.Files[0], algorithm))
	if sent != stored {
		// Maven 3 only warns of this; what it uploaded is not what it meant to.
		return nil, sdk.Conflict("%s of %s is %s as it is stored, and %s was sent", algorithm, file, stored, sent)
	}
	if algorithm == "sha1" {
		return sdk.Empty(http.StatusNoContent), nil // GitLab's
	}
	return sdk.Empty(http.StatusOK), nil
}

// putMetadataChecksum takes the checksum of a document that the client has made,
// and that is not stored: the registry makes its own, with its own checksum.
func putMetadataChecksum(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	if _, err := layout.ParseChecksum(r.Body(), r.Param("algorithm")); err != nil {
		return nil, sdk.BadRequest("%v", err)
	}
	return sdk.Empty(http.StatusOK), nil
}
