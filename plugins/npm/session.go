package npm

import (
	"context"
	"net/http"

	"github.com/pakhus/pakhus/sdk"
)

// ping answers "npm ping".
func ping(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return sdk.JSON(http.StatusOK, struct{}{}), nil
}

// whoami answers "npm whoami".
func whoami(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	return sdk.JSON(http.StatusOK, map[string]string{"username": r.Actor.Username}), nil
}

// loginUser answers "npm login --auth-type=legacy" and "npm adduser". The core
// has taken name and password out of the document and found out who it is.
func loginUser(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	answer := struct {
		OK    bool   `json:"ok"`
		ID    string `json:"id"`
		Token string `json:"token"`
	}{true, "org.couchdb.user:" + r.Param("user"), sdk.TokenPlaceholder}
	return sdk.IssueToken("npm login", sdk.JSON(http.StatusCreated, answer)), nil
}

// loginWeb begins "npm login": npm opens the page in a browser and asks the
// other URL until there is a token.
func loginWeb(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	return sdk.StartLogin("npm login", sdk.JSON(http.StatusOK, map[string]string{
		"loginUrl": sdk.LoginURLPlaceholder,
		"doneUrl":  r.BaseURL + "/-/v1/done/" + sdk.LoginIDPlaceholder,
	})), nil
}

// loginDone tells a waiting npm how its sign-in stands.
func loginDone(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	return sdk.PollLogin(r.Param("id"),
		sdk.JSON(http.StatusAccepted, struct{}{}).Header("Retry-After", "1"),
		sdk.JSON(http.StatusOK, map[string]string{"token": sdk.TokenPlaceholder}),
		sdk.JSON(http.StatusNotFound, map[string]string{"error": "This sign-in is over; start it again.", "message": "404 Not Found"}),
	), nil
}

// visibility tells npm whether it may publish a provenance: only of public packages.
func visibility(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	return sdk.JSON(http.StatusOK, map[string]bool{"public": r.Project.Visibility == sdk.Public}), nil
}
