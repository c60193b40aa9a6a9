package config

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pakhus/pakhus/core/internal/oidc"
)

// TrustedPublishing says whose CI jobs may change their ID tokens for job tokens.
type TrustedPublishing struct {
	// TokenSeconds is how long a job token is good.
	TokenSeconds int `koanf:"token_seconds" yaml:"token_seconds"`
	// MaxIDTokenAgeSeconds is how old an ID token may be, however long it says that it is good.
	MaxIDTokenAgeSeconds int `koanf:"max_id_token_age_seconds" yaml:"max_id_token_age_seconds"`
	// CAFile has certificates of issuers that the system does not know.
	CAFile string `koanf:"ca_file" yaml:"ca_file"`
	// AllowLoopbackHTTP: issuers on a loopback address may do without https.
	AllowLoopbackHTTP bool `koanf:"allow_loopback_http" yaml:"allow_loopback_http"`
	// Issuers by name; without any, nobody has a job token.
	Issuers map[string]Issuer `koanf:"issuers" yaml:"issuers"`
}

// Issuer is whose ID tokens are believed.
type Issuer struct {
	// URL is the "iss" of its tokens.
	URL string `koanf:"url" yaml:"url"`
	// Audience is the "aud" of its tokens for this registry; empty: external_url.
	Audience string `koanf:"audience" yaml:"audience"`
	// Kind says what its claims are called: github, gitlab, generic.
	Kind string `koanf:"kind" yaml:"kind"`
	// WebURL is where its runs are looked at; empty: what the URL lets guess.
	WebURL string `koanf:"web_url" yaml:"web_url"`
}

func defaultTrustedPublishing() TrustedPublishing {
	return TrustedPublishing{TokenSeconds: 900, MaxIDTokenAgeSeconds: 3600}
}

// longestJobToken and oldestIDToken bound what may be configured.
const (
	longestJobToken = 60 * 60
	oldestIDToken   = 24 * 60 * 60
)

func (t TrustedPublishing) validate(externalURL string, bad func(field, format string, args ...any)) {
	const key = "trusted_publishing."
	if n := t.TokenSeconds; n < 60 || n > longestJobToken {
		bad(key+"token_seconds", "%d is not between 60 and %d", n, longestJobToken)
	}
	if n := t.MaxIDTokenAgeSeconds; n < 60 || n > oldestIDToken {
		bad(key+"max_id_token_age_seconds", "%d is not between 60 and %d", n, oldestIDToken)
	}
	if t.CAFile != "" && !filepath.IsAbs(t.CAFile) {
		bad(key+"ca_file", "%q is not absolute", t.CAFile)
	}
	urls := map[string]bool{}
	for name, i := range t.Issuers {
		one := key + "issuers." + name
		if !regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`).MatchString(name) {
			bad(one, "an issuer's name has only small letters, digits, '_' and '-'")
		}
		if u, err := url.Parse(i.URL); err != nil {
			bad(one+".url", "%q is not a URL", i.URL)
		} else if err := oidc.CheckURL(u, t.AllowLoopbackHTTP); err != nil {
			bad(one+".url", "%v", err)
		}
		if urls[i.URL] {
			bad(one+".url", "%q is another issuer's, too", i.URL)
		}
		urls[i.URL] = true
		if !slices.Contains(oidc.Kinds(), i.Kind) {
			bad(one+".kind", "%q: choose %s", i.Kind, strings.Join(oidc.Kinds(), ", "))
		}
		if i.Audience == "" && externalURL == "" {
			// What a request's Host says is whatever its sender likes.
			bad(one+".audience", "is empty, and so is external_url, which it would be")
		}
		if i.WebURL != "" {
			if u, err := url.Parse(i.WebURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
				bad(one+".web_url", "%q is not an http or https URL", i.WebURL)
			}
		}
	}
}

// TokenLife is how long a job token is good.
func (t TrustedPublishing) TokenLife() time.Duration {
	return time.Duration(t.TokenSeconds) * time.Second
}

// Verifier is what a validated configuration means to whoever checks ID tokens.
func (c Config) Verifier() oidc.Config {
	t := c.TrustedPublishing
	cfg := oidc.Config{CAFile: t.CAFile, LoopbackHTTP: t.AllowLoopbackHTTP, MaxAge: time.Duration(t.MaxIDTokenAgeSeconds) * time.Second}
	for name, i := range t.Issuers {
		audience := i.Audience
		if audience == "" {
			audience = strings.TrimSuffix(c.ExternalURL, "/")
		}
		cfg.Issuers = append(cfg.Issuers, oidc.Issuer{Name: name, URL: i.URL, Audience: audience, Kind: oidc.Kind(i.Kind), WebURL: i.WebURL})
	}
	return cfg
}
