package server

import (
	"encoding/json"
	"net/http"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/federation"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/webpage"
)

// attemptKept is what a session keeps while its browser is at a provider.
const attemptKept = "oidc_attempt"

// signInProviders are what the sign-in page offers besides passwords.
func (s *Server) signInProviders() (all []webpage.Provider) {
	for _, p := range s.SignIn.List() {
		all = append(all, webpage.Provider{Name: p.Name, Label: p.Label})
	}
	return all
}

func (s *Server) callback(r *pageCall) string {
	return s.origin(r.c.Request) + "/users/auth/" + r.c.Param("provider") + "/callback"
}

// beginSignIn sends somebody to an OpenID provider. It takes a form: by a link,
// another site could sign people in as somebody whom they are not.
func (s *Server) beginSignIn(r *pageCall) error {
	ctx := r.c.Request.Context()
	attempt, target, err := s.SignIn.Begin(ctx, r.c.Param("provider"), s.callback(r))
	if err != nil {
		return err
	}
	attempt.ReturnTo = ownPath(r.c.Request.PostForm.Get("return_to"))
	kept, err := json.Marshal(attempt)
	if err != nil {
		return err
	}
	s.sessions.Keep(ctx, attemptKept, string(kept))
	return s.sendTo(r, target)
}

// finishSignIn takes who comes back from a provider. An attempt is good once, in the
// browser that has made it.
func (s *Server) finishSignIn(r *pageCall) error {
	ctx := r.c.Request.Context()
	noted := attemptOf(ctx)
	noted.writes = true
	var attempt federation.Attempt
	if err := json.Unmarshal([]byte(s.sessions.Take(ctx, attemptKept)), &attempt); err != nil {
		return registry.Errorf(registry.CodeForbidden, "Forbidden - the sign-in did not begin here, or is over. Start again.").Because(err)
	}
	person, err := s.SignIn.Finish(ctx, attempt, r.c.Param("provider"), s.callback(r), r.c.Request.URL.Query())
	if err != nil {
		return err
	}
	user, made, err := s.SignIn.User(ctx, attempt.Provider, person)
	if err != nil {
		return err
	}
	noted.Actor = registry.Actor{Kind: registry.User, UserID: user.ID, Username: user.Username}
	if err := s.auditDone(ctx, http.StatusOK, append(made, audit.Change{Type: "user.signed_in", Name: attempt.Provider})...); err != nil {
		return err
	}
	return s.signedIn(r, user.ID, attempt.ReturnTo)
}
