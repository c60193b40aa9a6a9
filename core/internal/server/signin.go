package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/webpage"
)

const (
	signInPath  = "/users/sign_in"
	signOutPath = "/users/sign_out"
)

// signInPages mounts the pages where people sign in and out, under GitLab's paths.
func (s *Server) signInPages(e *gin.Engine) {
	e.Any(signInPath, s.byMethod(map[string]gin.HandlerFunc{
		http.MethodGet: s.page(s.showSignIn), http.MethodPost: s.page(s.signIn),
	}))
	e.Any("/users/auth/:provider", s.byMethod(map[string]gin.HandlerFunc{http.MethodPost: s.page(s.beginSignIn)}))
	e.Any("/users/auth/:provider/callback", s.byMethod(map[string]gin.HandlerFunc{http.MethodGet: s.page(s.finishSignIn)}))
	e.Any(signOutPath, s.byMethod(map[string]gin.HandlerFunc{http.MethodPost: s.page(s.signOut)}))
}

func (s *Server) showSignIn(r *pageCall) error {
	to := ownPath(r.c.Query("return_to"))
	switch {
	case r.user == nil:
		return s.show(r, http.StatusOK, webpage.SignIn{ReturnTo: to, Providers: s.signInProviders()})
	case to != "":
		return s.sendTo(r, to)
	}
	return s.showSelfPage(r)
}

// signIn takes a name and a password. A token will not do: who has one that may
// read would have a session that may everything.
func (s *Server) signIn(r *pageCall) error {
	form := r.c.Request.PostForm
	to, password := ownPath(form.Get("return_to")), form.Get("password")
	ctx := r.c.Request.Context()
	var actor registry.Actor
	err := s.Limits.SignIn(ctx, s.clientIP(r.c.Request), func() (err error) {
		if auth.WellFormed(password) {
			attemptOf(ctx).Attempted = form.Get("username")
			return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized")
		}
		actor, err = s.Login(ctx, form.Get("username"), password)
		return err
	})
	switch registry.CodeOf(err) {
	case registry.CodeUnauthenticated, registry.CodeForbidden:
		attemptOf(ctx).Reason = "Invalid login or password."
		return s.show(r, http.StatusUnauthorized, webpage.SignIn{ReturnTo: to, Failed: "Invalid login or password.", Providers: s.signInProviders()})
	}
	if err != nil {
		return err
	}
	return s.signedIn(r, actor.UserID, to)
}

// signedIn begins a session, and sends its user where they wanted to.
func (s *Server) signedIn(r *pageCall, userID int64, to string) error {
	if err := s.sessions.SignIn(r.c.Request.Context(), userID); err != nil {
		return err
	}
	if to == "" {
		to = signInPath
	}
	return s.sendTo(r, to)
}

func (s *Server) signOut(r *pageCall) error {
	if err := s.sessions.SignOut(r.c.Request.Context()); err != nil {
		return err
	}
	return s.sendTo(r, signInPath)
}
