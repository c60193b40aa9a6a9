package server

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pakhus/pakhus/core/internal/oauth"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/webpage"
)

// scopesOf says to people what scopes mean.
func scopesOf(names []string) []webpage.Scope {
	says := map[string]string{
		"api":      "do everything that you may do: read, publish, delete and change settings",
		"read_api": "read everything that you may read",
	}
	all := make([]webpage.Scope, 0, len(names))
	for _, name := range names {
		all = append(all, webpage.Scope{Name: name, Says: says[name]})
	}
	return all
}

// authorization reads what an application asks for. If nil, it has been answered.
func (s *Server) authorization(r *pageCall) (*oauth.Asked, error) {
	asked, answer, err := s.oauth.Authorize(r.c.Request)
	if wrong, ok := errors.AsType[*oauth.RequestError](err); ok {
		return nil, registry.Errorf(registry.CodeInvalid, "%s", wrong.Sentence)
	}
	if err != nil {
		return nil, err
	}
	if asked == nil {
		return nil, s.sendTo(r, answer)
	}
	return asked, nil
}

// showConsent asks somebody whether an application may act for them.
func (s *Server) showConsent(r *pageCall) error {
	asked, err := s.authorization(r)
	if err != nil || asked == nil {
		return err
	}
	if r.user == nil {
		return s.signInFirst(r)
	}
	return s.show(r, http.StatusOK, webpage.Consent{
		Username: r.user.Username, Application: asked.Application, Scopes: scopesOf(asked.Scopes), RedirectURI: asked.RedirectURI,
		Action: oauth.AuthorizePath, Fields: asked.Fields,
	})
}

// consent takes the answer. The form says again what was asked for, and it is
// checked again; only the person is taken from the session.
func (s *Server) consent(r *pageCall) error {
	r.c.Request.Form = r.c.Request.PostForm // what is allowed is what the form says, whatever the URL does
	asked, err := s.authorization(r)
	if err != nil || asked == nil {
		return err
	}
	if r.user == nil {
		return registry.Errorf(registry.CodeUnauthenticated, "Your session has ended. Start again in the application.")
	}
	var answer string
	switch r.c.Request.PostForm.Get("decision") {
	case "allow":
		answer, err = s.oauth.Allow(r.c.Request.Context(), asked, r.actor())
	case "deny":
		answer, err = s.oauth.Deny(asked)
	default:
		return registry.Errorf(registry.CodeInvalid, "decision is missing: allow or deny")
	}
	if err != nil {
		return err
	}
	return s.sendTo(r, answer)
}

// showDevice asks for the code that a device shows, or if it is in the URL, whether
// the device may act for who has signed in.
func (s *Server) showDevice(r *pageCall) error {
	if r.user == nil {
		return s.signInFirst(r)
	}
	code := r.c.Query("user_code")
	if code == "" {
		return s.show(r, http.StatusOK, webpage.Device{})
	}
	return s.askAboutDevice(r, code)
}

func (s *Server) askAboutDevice(r *pageCall, code string) error {
	d, err := s.waitingDevice(r, code)
	if registry.CodeOf(err) == registry.CodeUnauthenticated {
		return s.show(r, http.StatusUnprocessableEntity, webpage.Device{Failed: "The code is invalid or has expired."})
	}
	if err != nil {
		return err
	}
	return s.show(r, http.StatusOK, webpage.Consent{
		Username: r.user.Username, Application: d.Application, Scopes: scopesOf(d.Scopes), Action: oauth.DevicePath,
		Fields: map[string]string{"user_code": code}, UserCode: code,
	})
}

// waitingDevice finds a device by its code. Wrong ones count as attempts: the code
// is short, and who guesses one is given somebody's device.
func (s *Server) waitingDevice(r *pageCall, code string) (d oauth.Device, err error) {
	err = s.Limits.SignIn(r.c.Request.Context(), s.clientIP(r.c.Request), func() (err error) {
		d, err = s.oauth.Device(r.c.Request.Context(), code)
		return err
	})
	return d, err
}

// device takes the code of a device, and then the decision about it.
func (s *Server) device(r *pageCall) error {
	if r.user == nil {
		return registry.Errorf(registry.CodeUnauthenticated, "Your session has ended. Sign in again.")
	}
	form := r.c.Request.PostForm
	decision, code := form.Get("decision"), form.Get("user_code")
	if decision != "allow" && decision != "deny" {
		return s.askAboutDevice(r, code)
	}
	d, err := s.waitingDevice(r, code)
	if registry.CodeOf(err) == registry.CodeUnauthenticated {
		return s.show(r, http.StatusUnprocessableEntity, webpage.Device{Failed: "The code is invalid or has expired."})
	}
	if err != nil {
		return err
	}
	inTime, err := s.oauth.Decide(r.c.Request.Context(), d, r.actor(), decision == "allow")
	switch {
	case err != nil:
		return err
	case !inTime:
		return s.show(r, http.StatusUnprocessableEntity, webpage.Device{Failed: "The code is invalid or has expired."})
	case decision == "deny":
		return s.show(r, http.StatusOK, webpage.Message{Text: "The device was refused. You can close this page."})
	}
	return s.show(r, http.StatusOK, webpage.Message{Text: "The device is signed in. You can close this page and go back to it."})
}

// authorizedPath is where people see whom they have allowed what.
const authorizedPath = "/oauth/authorized_applications"

func (s *Server) showAuthorized(r *pageCall) error {
	if r.user == nil {
		return s.signInFirst(r)
	}
	return s.showSelfPage(r)
}

// showSelfPage shows somebody who they are, and who acts for them.
func (s *Server) showSelfPage(r *pageCall) error {
	granted, err := s.oauth.Granted(r.c.Request.Context(), r.user.ID)
	if err != nil {
		return err
	}
	page := webpage.SignedIn{Username: r.user.Username}
	for _, g := range granted {
		page.Applications = append(page.Applications, webpage.Application{
			Name: g.Application, Scopes: strings.Join(g.Scopes, " "), Since: g.Since.UTC().Format(time.DateOnly),
			End: authorizedPath + "/" + strconv.FormatInt(g.ApplicationID, 10),
		})
	}
	return s.show(r, http.StatusOK, page)
}

// withdraw ends what somebody has allowed an application.
func (s *Server) withdraw(r *pageCall) error {
	if r.user == nil {
		return registry.Errorf(registry.CodeUnauthenticated, "Your session has ended. Sign in again.")
	}
	id, err := strconv.ParseInt(r.c.Param("application_id"), 10, 64)
	if err != nil {
		return registry.Errorf(registry.CodeNotFound, "Not Found")
	}
	if err := s.oauth.Withdraw(r.c.Request.Context(), r.actor(), id); err != nil {
		if registry.CodeOf(err) == registry.CodeNotFound {
			return registry.Errorf(registry.CodeNotFound, "Not Found")
		}
		return err
	}
	return s.sendTo(r, authorizedPath)
}
