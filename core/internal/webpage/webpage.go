// Package webpage is what people see of the registry in a browser: a few forms,
// without scripts.
package webpage

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

const style = `body{font-family:system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;line-height:1.4}
label,input,button{display:block;width:100%;box-sizing:border-box}input{margin:.25rem 0 1rem;padding:.5rem}
button{padding:.6rem;margin:.5rem 0}.error{color:#b00020}code{font-size:1.2em}hr{margin:1.5rem 0;border:0;border-top:1px solid #ccc}`

const layout = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}} - Pakhus</title>
<meta name="viewport" content="width=device-width"><style>` + style + `</style></head><body><h1>Pakhus</h1>
{{template "body" .Data}}</body></html>
`

// Provider is another registry of people, with which they may sign in.
type Provider struct{ Name, Label string }

// SignIn is the sign-in page.
type SignIn struct {
	ReturnTo  string
	Failed    string // what was wrong; empty: nothing
	Providers []Provider
}

const signIn = `<h2>Sign in</h2>{{if .Failed}}<p class="error" role="alert">{{.Failed}}</p>{{end}}
<form method="post" action="/users/sign_in"><input type="hidden" name="return_to" value="{{.ReturnTo}}">
<label>User name<input name="username" autocomplete="username" required autofocus></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>
{{if .Providers}}<hr>{{end}}{{$to := .ReturnTo}}{{range .Providers}}<form method="post" action="/users/auth/{{.Name}}">
<input type="hidden" name="return_to" value="{{$to}}"><button>Sign in with {{.Label}}</button></form>{{end}}`

// Application is one that somebody has allowed to act for them.
type Application struct {
	Name   string
	Scopes string
	Since  string
	End    string // where a form ends it
}

// SignedIn is the page of somebody who has signed in.
type SignedIn struct {
	Username     string
	Applications []Application
}

const signedIn = `<p>You are signed in as <strong>{{.Username}}</strong>.</p>
<form method="post" action="/users/sign_out"><button>Sign out</button></form>
{{if .Applications}}<h2>Applications that act for you</h2>
{{range .Applications}}<form method="post" action="{{.End}}"><strong>{{.Name}}</strong>, <code>{{.Scopes}}</code>, since {{.Since}}
<button>Revoke</button></form>{{end}}{{end}}`

// Scope is something that an application asks for.
type Scope struct{ Name, Says string }

// Consent asks whether an application may act for somebody.
type Consent struct {
	Username    string
	Application string
	Scopes      []Scope
	RedirectURI string
	Action      string            // where the answer goes
	Fields      map[string]string // what goes with it
	UserCode    string            // of a device
}

const consent = `<h2>Allow {{.Application}}?</h2>
<p><strong>{{.Application}}</strong> asks to act for you, <strong>{{.Username}}</strong>. It may:</p>
<ul>{{range .Scopes}}<li>{{.Says}} (<code>{{.Name}}</code>)</li>{{end}}</ul>
{{if .UserCode}}<p>Your device shows the code <code>{{.UserCode}}</code>. Allow this only if you have started it yourself, and the codes are the same.</p>
{{else}}<p>You will be taken to <code>{{.RedirectURI}}</code>.</p>{{end}}
<form method="post" action="{{.Action}}">{{range $name, $value := .Fields}}<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>
<hr><form method="post" action="/users/sign_out"><button>Not {{.Username}}? Sign out</button></form>`

// Device asks for the code that a device shows.
type Device struct{ Failed string }

const device = `<h2>Sign in a device</h2>{{if .Failed}}<p class="error" role="alert">{{.Failed}}</p>{{end}}
<form method="post" action="/oauth/device"><label>The code that your device shows<input name="user_code" autocomplete="off" required autofocus></label>
<button>Continue</button></form>`

// WebLogin signs somebody in for a package client that waits.
type WebLogin struct {
	Name     string // of the client
	Username string // who has signed in with this browser; empty: nobody
	SignIn   string // the sign-in page, if it offers more than a password; else empty

	Done, Gone, Failed bool
}

const webLogin = `{{if .Done}}<p>You are signed in. You can close this page and go back to your terminal.</p>
{{else if .Gone}}<p>This sign-in is over. Start it again in your terminal.</p>
{{else}}<p>Sign in for <strong>{{.Name}}</strong>. Do so only if you have started it yourself: whoever did gets a token of yours.</p>
{{if .Failed}}<p class="error" role="alert">Wrong user name or password.</p>{{end}}
{{if .Username}}<form method="post"><button name="as" value="{{.Username}}">Continue as {{.Username}}</button></form><hr>
{{else if .SignIn}}<p><a href="{{.SignIn}}">Sign in another way</a></p><hr>{{end}}
<form method="post"><label>User name<input name="username" autocomplete="username" required autofocus></label>
<label>Password or personal access token<input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>{{end}}`

// Message tells something.
type Message struct{ Text string }

const message = `<p>{{.Text}}</p>`

// Pages writes pages.
type Pages struct {
	templates map[string]*template.Template
	policy    string
}

// New makes a Pages.
func New() *Pages {
	p := &Pages{templates: map[string]*template.Template{}}
	for name, body := range map[string]string{
		"Sign in": signIn, "Signed in": signedIn, "Allow an application": consent, "Sign in a device": device, "Sign in to Pakhus": webLogin, "Message": message,
	} {
		t := template.Must(template.New("layout").Parse(layout))
		p.templates[name] = template.Must(t.New("body").Parse(body))
	}
	sum := sha256.Sum256([]byte(style))
	p.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; base-uri 'none'"
	return p
}

// title is the name of the template of a page.
func title(page any) string {
	switch page.(type) {
	case SignIn:
		return "Sign in"
	case SignedIn:
		return "Signed in"
	case Consent:
		return "Allow an application"
	case Device:
		return "Sign in a device"
	case WebLogin:
		return "Sign in to Pakhus"
	}
	return "Message"
}

// leadsAway: the answer to a form of the page may send the browser anywhere, to an
// application or a provider, and browsers hold form-action against that, too.
func leadsAway(page any) bool {
	switch page := page.(type) {
	case Consent:
		return page.RedirectURI != ""
	case SignIn:
		return len(page.Providers) > 0
	}
	return false
}

// Protect keeps a page out of caches, frames and referrers, and scripts out of the page.
func (p *Pages) Protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", p.policy+"; form-action 'self'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not "no-referrer": browsers would then not even say that our own forms are ours,
	// and over plain http that is all they say.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// Write answers with a page: a SignIn, SignedIn, Consent, Device, WebLogin or Message.
func (p *Pages) Write(w http.ResponseWriter, status int, page any) error {
	name := title(page)
	var text strings.Builder
	if err := p.templates[name].ExecuteTemplate(&text, "layout", struct {
		Title string
		Data  any
	}{name, page}); err != nil {
		return err
	}
	p.Protect(w.Header())
	if leadsAway(page) {
		w.Header().Set("Content-Security-Policy", p.policy)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text.String())) // a client that went away
	return nil
}
