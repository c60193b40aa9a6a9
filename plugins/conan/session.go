package conan

import (
	"context"
	"net/http"

	"github.com/pakhus/pakhus/sdk"
)

// ping says what this server can do, to everybody: a client that is told nothing,
// because its token has expired, could not even sign in again.
func ping(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return sdk.Empty(http.StatusOK).Header("X-Conan-Server-Capabilities", "revisions"), nil
}

// authenticate answers a sign-in with a token, the body and nothing else.
func authenticate(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return sdk.IssueToken("conan", sdk.Text(http.StatusOK, sdk.TokenPlaceholder)), nil
}

// checkCredentials is what clients ask before they change anything: a 401 has
// them sign in.
func checkCredentials(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return sdk.Text(http.StatusOK, "ok"), nil
}
