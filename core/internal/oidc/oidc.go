// Package oidc tells whether an ID token of a CI job is one: signed by an issuer
// that the operator trusts, for this registry, and good now. What a token is good
// for is decided elsewhere: see package publishers.
//
//	oidc.go      the issuers, and which of them a token is of
//	verify.go    what is checked of a token, and what is said of one that is none
//	issuer.go    an issuer's keys: found, kept, and looked for anew
//	transport.go how issuers are asked: over TLS, seldom, and not for much
//	build.go     what the claims of each kind of issuer say of a run
package oidc

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// Kind is what the claims of an issuer's tokens are called.
type Kind string

// The kinds of issuers.
const (
	GitHub  Kind = "github"  // GitHub Actions
	GitLab  Kind = "gitlab"  // GitLab CI/CD
	Generic Kind = "generic" // any other: see build.go
)

// Kinds returns the kinds of issuers.
func Kinds() []string { return []string{string(GitHub), string(GitLab), string(Generic)} }

// Issuer is one that the operator trusts to say which job is which.
type Issuer struct {
	Name     string // to people
	URL      string // the "iss" of its tokens
	Audience string // the "aud" that its tokens for this registry have
	Kind     Kind
	// WebURL is where its runs are looked at; empty: what the URL lets guess.
	WebURL string
}

// Config is whom a Verifier trusts, and how far.
type Config struct {
	Issuers []Issuer
	// CAFile has certificates that are trusted beside the system's; empty: no others.
	CAFile string
	// LoopbackHTTP: an issuer on a loopback address may do without TLS.
	LoopbackHTTP bool
	// MaxAge is how old a token may be, however long it says that it is good; 0: an hour.
	MaxAge time.Duration
	// Again is how soon an issuer may be asked again for the same; 0: ten seconds.
	Again time.Duration
}

// Verifier checks ID tokens.
type Verifier struct {
	now     func() time.Time
	current atomic.Pointer[trusted]
}

// trusted is a configuration at work.
type trusted struct {
	maxAge time.Duration
	byURL  map[string]*issuer
}

// New makes a Verifier that trusts nobody yet.
func New() *Verifier {
	v := &Verifier{now: time.Now}
	v.current.Store(&trusted{})
	return v
}

const (
	usualMaxAge = time.Hour
	usualAgain  = 10 * time.Second
	// askTime is how long an issuer has to answer.
	askTime = 10 * time.Second
)

// Configure puts another configuration in place of the one before. One that
// cannot be used changes nothing.
func (v *Verifier) Configure(cfg Config) error {
	roots, err := rootsWith(cfg.CAFile)
	if err != nil {
		return err
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = usualMaxAge
	}
	if cfg.Again == 0 {
		cfg.Again = usualAgain
	}
	next := &trusted{maxAge: cfg.MaxAge, byURL: map[string]*issuer{}}
	for _, i := range cfg.Issuers {
		base := &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: time.Minute,
		}
		client := &http.Client{
			Transport:     &transport{base: base, loopbackHTTP: cfg.LoopbackHTTP, again: cfg.Again, kept: map[string]kept{}},
			Timeout:       askTime,
			CheckRedirect: refuseRedirect,
		}
		next.byURL[i.URL] = &issuer{Issuer: i, client: client, now: v.now}
	}
	v.current.Store(next)
	return nil
}

// Issuers returns those that are trusted, by name.
func (v *Verifier) Issuers() []Issuer {
	var all []Issuer
	for _, i := range v.current.Load().byURL {
		all = append(all, i.Issuer)
	}
	slices.SortFunc(all, func(a, b Issuer) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// rootsWith returns the system's certificates and those of a file; nil: the system's.
func rootsWith(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the system's
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("certificates of issuers: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("certificates of the system: %w", err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificates of issuers: %s has none", file)
	}
	return roots, nil
}
