package weblogin

import (
	"context"
	"net/http"
	"path"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/webpage"
)

// Authenticator checks a name with a password or token.
type Authenticator interface {
	Login(ctx context.Context, username, secret string) (registry.Actor, error)
}

// Visitor is who is before the browser, as far as is known: its session says so.
type Visitor struct {
	Actor  registry.Actor // of kind registry.User if somebody has signed in
	SignIn string         // the sign-in page, if it offers more than a password; else empty
}

type visitorKey struct{}

// WithVisitor says in a request's context who is before the browser.
func WithVisitor(ctx context.Context, v Visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

func visitorOf(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// Handler serves the page whose URL ends in a login's page id. A form from
// another origin is refused; the id cannot be guessed.
func Handler(l *Logins, a Authenticator, log hclog.Logger) http.Handler {
	h := &handler{logins: l, auth: a, log: log, pages: webpage.New()}
	return http.NewCrossOriginProtection().Handler(h)
}

type handler struct {
	logins *Logins
	auth   Authenticator
	log    hclog.Logger
	pages  *webpage.Pages
}

// MaxForm is the most bytes of a form: more than any name and password.
const MaxForm = 8 << 10

// ServeHTTP shows the form, and takes it.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := path.Base(r.URL.Path)
	name, open, err := h.logins.Open(r.Context(), id)
	switch {
	case err != nil:
		h.fault(w, err)
	case !open:
		h.show(w, http.StatusNotFound, webpage.WebLogin{Gone: true})
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		h.show(w, http.StatusOK, asking(r, name))
	case r.Method == http.MethodPost:
		h.submit(w, r, id, name)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		h.show(w, http.StatusMethodNotAllowed, asking(r, name))
	}
}

func (h *handler) submit(w http.ResponseWriter, r *http.Request, id, name string) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	failed := asking(r, name)
	failed.Failed = true
	actor, err := h.who(r)
	switch registry.CodeOf(err) {
	case registry.CodeUnauthenticated, registry.CodeForbidden:
		h.show(w, http.StatusUnauthorized, failed)
		return
	}
	if err != nil {
		h.fault(w, err)
		return
	}
	if actor.Kind != registry.User {
		h.show(w, http.StatusUnauthorized, failed)
		return
	}
	done, err := h.logins.Complete(r.Context(), id, actor)
	if err != nil {
		h.fault(w, err)
		return
	}
	h.show(w, http.StatusOK, webpage.WebLogin{Done: done, Gone: !done})
}

// who is the one whom the form names: who has signed in with this browser, or whose
// password it has.
func (h *handler) who(r *http.Request) (registry.Actor, error) {
	v := visitorOf(r.Context()).Actor
	if as := r.PostFormValue("as"); as != "" && v.Kind == registry.User && v.Username == as {
		return v, nil
	}
	return h.auth.Login(r.Context(), r.PostFormValue("username"), r.PostFormValue("password"))
}

// asking is the page that asks who somebody is.
func asking(r *http.Request, name string) webpage.WebLogin {
	v := visitorOf(r.Context())
	return webpage.WebLogin{Name: name, Username: v.Actor.Username, SignIn: v.SignIn}
}

func (h *handler) fault(w http.ResponseWriter, err error) {
	h.log.Error("sign-in page failed", "error", err)
	h.pages.Protect(w.Header())
	http.Error(w, "The registry cannot answer at the moment. Try again.", http.StatusServiceUnavailable)
}

func (h *handler) show(w http.ResponseWriter, status int, page webpage.WebLogin) {
	if err := h.pages.Write(w, status, page); err != nil {
		h.log.Error("sign-in page was not written", "error", err)
	}
}
