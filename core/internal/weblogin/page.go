package weblogin

import (
	"context"
	"html/template"
	"net/http"
	"path"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// Authenticator checks a name with a password or token.
type Authenticator interface {
	Login(ctx context.Context, username, secret string) (registry.Actor, error)
}

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in to Pakhus</title>
<meta name="viewport" content="width=device-width"><style>
body{font-family:system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem}
label,input,button{display:block;width:100%;box-sizing:border-box}input{margin:.25rem 0 1rem;padding:.5rem}button{padding:.6rem}
.error{color:#b00020}</style></head><body><h1>Pakhus</h1>
{{if .Done}}<p>You are signed in. You can close this page and go back to your terminal.</p>
{{else if .Gone}}<p>This sign-in is over. Start it again in your terminal.</p>
{{else}}<p>Sign in for <strong>{{.Name}}</strong>. Do so only if you have started it yourself: whoever did gets a token of yours.</p>{{if .Failed}}<p class="error" role="alert">Wrong user name or password.</p>{{end}}
<form method="post"><label>User name<input name="username" autocomplete="username" required autofocus></label>
<label>Password or personal access token<input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>{{end}}</body></html>
`

type view struct {
	Name               string
	Done, Gone, Failed bool
}

// Handler serves the page whose URL ends in a login's page id. A form from
// another origin is refused; the id cannot be guessed.
func Handler(l *Logins, a Authenticator, log hclog.Logger) http.Handler {
	h := &handler{logins: l, auth: a, log: log, page: template.Must(template.New("login").Parse(page))}
	return http.NewCrossOriginProtection().Handler(h)
}

type handler struct {
	logins *Logins
	auth   Authenticator
	log    hclog.Logger
	page   *template.Template
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
		h.show(w, http.StatusNotFound, view{Gone: true})
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		h.show(w, http.StatusOK, view{Name: name})
	case r.Method == http.MethodPost:
		h.submit(w, r, id, name)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		h.show(w, http.StatusMethodNotAllowed, view{Name: name})
	}
}

func (h *handler) submit(w http.ResponseWriter, r *http.Request, id, name string) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	actor, err := h.auth.Login(r.Context(), r.PostFormValue("username"), r.PostFormValue("password"))
	switch registry.CodeOf(err) {
	case registry.CodeUnauthenticated, registry.CodeForbidden:
		h.show(w, http.StatusUnauthorized, view{Name: name, Failed: true})
		return
	}
	if err != nil {
		h.fault(w, err)
		return
	}
	if actor.Kind != registry.User {
		h.show(w, http.StatusUnauthorized, view{Name: name, Failed: true})
		return
	}
	done, err := h.logins.Complete(r.Context(), id, actor)
	if err != nil {
		h.fault(w, err)
		return
	}
	h.show(w, http.StatusOK, view{Done: done, Gone: !done})
}

func (h *handler) fault(w http.ResponseWriter, err error) {
	h.log.Error("sign-in page failed", "error", err)
	protect(w.Header())
	http.Error(w, "The registry cannot answer at the moment. Try again.", http.StatusServiceUnavailable)
}

func (h *handler) show(w http.ResponseWriter, status int, v view) {
	protect(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := h.page.Execute(w, v); err != nil {
		h.log.Debug("sign-in page was not sent whole", "error", err)
	}
}

// protect keeps the page out of caches, frames and referrers, and scripts out of the page.
func protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}
