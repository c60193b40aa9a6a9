// Package federation lets people sign in with an OpenID provider elsewhere: the
// registry is its client.
//
//	federation.go  who the providers are, and whom they send
//	users.go       which user that is, or is to be
//
// Who somebody is, their provider says by issuer and subject, and by nothing else:
// names and addresses change hands. An identity is tied to a user who exists
// already only by the operator's word.
package federation

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// Provider is an OpenID provider as the operator describes it.
type Provider struct {
	Name          string // in URLs
	Label         string // for people
	Issuer        string
	ClientID      string
	ClientSecret  string
	Scopes        []string // with openid
	UsernameClaim string
	GroupsClaim   string

	AllowSignup    bool     // who comes first gets a user
	LinkByUsername bool     // who comes first is the user of their name, if there is one
	AllowedDomains []string // of verified e-mail addresses; empty: all, and none
	AllowedGroups  []string // one of them is enough; empty: all, and none
}

// Providers are all providers.
type Providers struct {
	pool *pgxpool.Pool
	log  hclog.Logger
	web  *http.Client
	all  []*discovered
}

// discovered is a provider, and once it has been asked, what it says of itself.
type discovered struct {
	Provider

	mu   sync.Mutex
	says *oidc.Provider
}

// patience is how long a provider may take to answer.
const patience = 10 * time.Second

// New makes a Providers. They are asked when somebody first wants to sign in, so that
// the registry starts without them.
func New(pool *pgxpool.Pool, log hclog.Logger, providers ...Provider) *Providers {
	p := &Providers{pool: pool, log: log, web: &http.Client{Timeout: patience}}
	for _, one := range providers {
		p.all = append(p.all, &discovered{Provider: one})
	}
	slices.SortFunc(p.all, func(a, b *discovered) int { return strings.Compare(a.Name, b.Name) })
	return p
}

// List returns all providers, by name. There are none in a nil Providers.
func (p *Providers) List() (all []Provider) {
	if p == nil {
		return nil
	}
	for _, d := range p.all {
		all = append(all, d.Provider)
	}
	return all
}

func (p *Providers) named(name string) (*discovered, error) {
	if p != nil {
		for _, d := range p.all {
			if d.Name == name {
				return d, nil
			}
		}
	}
	return nil, registry.Errorf(registry.CodeNotFound, "Not Found")
}

// client is the registry as the provider's client; the provider is asked what it
// says of itself if it has not been yet.
func (p *Providers) client(ctx context.Context, d *discovered, callback string) (*oauth2.Config, *oidc.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.says == nil {
		says, err := oidc.NewProvider(oidc.ClientContext(ctx, p.web), d.Issuer)
		if err != nil {
			return nil, nil, p.unavailable(d, err)
		}
		d.says = says
	}
	return &oauth2.Config{
		ClientID: d.ClientID, ClientSecret: d.ClientSecret, Endpoint: d.says.Endpoint(), RedirectURL: callback, Scopes: d.Scopes,
	}, d.says, nil
}

func (p *Providers) unavailable(d *discovered, err error) error {
	p.log.Warn("an OpenID provider does not answer as it should", "provider", d.Name, "error", err)
	return registry.Errorf(registry.CodeUnavailable, "%s cannot be reached at the moment. Try again later.", d.Label).Because(err)
}

// Attempt is what the browser that is sent to a provider has to come back with, and
// what it is never shown.
type Attempt struct {
	Provider string
	State    string
	Nonce    string
	Verifier string // of PKCE
	ReturnTo string
}

// Begin sends a browser to a provider, which is to send it back to callback.
func (p *Providers) Begin(ctx context.Context, name, callback string) (a Attempt, target string, err error) {
	d, err := p.named(name)
	if err != nil {
		return a, "", err
	}
	client, _, err := p.client(ctx, d, callback)
	if err != nil {
		return a, "", err
	}
	a = Attempt{Provider: name, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return a, client.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// Person is whom a provider has sent.
type Person struct {
	Subject  string
	Username string // what the provider calls them; nobody's name here
	Name     string
}

// Finish takes what a browser has come back with, and finds out whom it is of.
// Whoever comes with anything but what the attempt was begun with is
// CodeForbidden, and so is who is not let in.
func (p *Providers) Finish(ctx context.Context, a Attempt, name, callback string, answer url.Values) (Person, error) {
	d, err := p.named(name)
	if err != nil {
		return Person{}, err
	}
	switch {
	case a.Provider != name || subtle.ConstantTimeCompare([]byte(a.State), []byte(answer.Get("state"))) != 1,
		answer.Has("iss") && answer.Get("iss") != d.Issuer: // RFC 9207: another provider's answer
		return Person{}, registry.Errorf(registry.CodeForbidden, "Forbidden - the sign-in did not begin here, or is over. Start again.")
	case answer.Has("error"):
		p.log.Info("an OpenID provider has refused somebody", "provider", d.Name, "error", answer.Get("error"), "description", answer.Get("error_description"))
		return Person{}, registry.Errorf(registry.CodeForbidden, "Forbidden - %s has refused the sign-in", d.Label)
	}
	client, says, err := p.client(ctx, d, callback)
	if err != nil {
		return Person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.web)
	token, err := client.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(a.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		p.log.Warn("an OpenID provider does not take a code", "provider", d.Name, "error", refused.ErrorCode, "description", refused.ErrorDescription)
		return Person{}, registry.Errorf(registry.CodeForbidden, "Forbidden - %s has refused the sign-in", d.Label)
	}
	if err != nil {
		return Person{}, p.unavailable(d, err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := says.Verifier(&oidc.Config{ClientID: d.ClientID}).Verify(ctx, raw)
	if err != nil {
		p.log.Warn("an ID token is no good", "provider", d.Name, "error", err)
		return Person{}, registry.Errorf(registry.CodeForbidden, "Forbidden - %s has sent nobody whom it can vouch for", d.Label)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 || id.Subject == "" {
		return Person{}, registry.Errorf(registry.CodeForbidden, "Forbidden - the sign-in did not begin here, or is over. Start again.")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return Person{}, fmt.Errorf("read claims: %w", err)
	}
	if err := d.letsIn(claims); err != nil {
		return Person{}, err
	}
	return Person{Subject: id.Subject, Username: text(claims[d.UsernameClaim]), Name: text(claims["name"])}, nil
}

// letsIn refuses who is not of the domains and groups that are let in.
func (p Provider) letsIn(claims map[string]any) error {
	if len(p.AllowedDomains) > 0 {
		_, domain, _ := strings.Cut(text(claims["email"]), "@")
		if claims["email_verified"] != true || !slices.ContainsFunc(p.AllowedDomains, func(d string) bool { return strings.EqualFold(d, domain) }) {
			return registry.Errorf(registry.CodeForbidden, "Forbidden - your e-mail address is not of a domain that is let in")
		}
	}
	if len(p.AllowedGroups) > 0 {
		groups, _ := claims[p.GroupsClaim].([]any)
		if !slices.ContainsFunc(groups, func(g any) bool { return slices.Contains(p.AllowedGroups, text(g)) }) {
			return registry.Errorf(registry.CodeForbidden, "Forbidden - you are in no group that is let in")
		}
	}
	return nil
}

func text(claim any) string {
	s, _ := claim.(string)
	return s
}
