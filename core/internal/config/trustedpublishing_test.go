package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/config"
	"github.com/pakhus/pakhus/core/internal/oidc"
)

func TestIssuers(t *testing.T) {
	t.Parallel()
	c, err := config.Load(file(t, `
external_url: https://packages.example.com/
trusted_publishing:
  token_seconds: 600
  issuers:
    github: {url: 'https://token.actions.githubusercontent.com', kind: github}
    own-gitlab: {url: 'https://gitlab.example.com', kind: gitlab, audience: pakhus}
`), []string{"PAKHUS_TRUSTED_PUBLISHING__MAX_ID_TOKEN_AGE_SECONDS=120", "PAKHUS_TRUSTED_PUBLISHING__ISSUERS__GITHUB__WEB_URL=https://git.example.com"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := c.Verifier()
	if v.MaxAge != 2*time.Minute || c.TrustedPublishing.TokenLife() != 10*time.Minute || len(v.Issuers) != 2 {
		t.Fatalf("got %+v", v)
	}
	for _, i := range v.Issuers {
		want := oidc.Issuer{Name: "own-gitlab", URL: "https://gitlab.example.com", Audience: "pakhus", Kind: oidc.GitLab}
		if i.Name == "github" {
			want = oidc.Issuer{
				Name: "github", URL: "https://token.actions.githubusercontent.com", Audience: "https://packages.example.com", Kind: oidc.GitHub, WebURL: "https://git.example.com",
			}
		}
		if i != want {
			t.Errorf("got %+v, want %+v", i, want)
		}
	}
	if c, err = config.Load("", nil, nil); err != nil || len(c.Verifier().Issuers) != 0 || c.TrustedPublishing.TokenSeconds != 900 || c.TrustedPublishing.MaxIDTokenAgeSeconds != 3600 {
		t.Errorf("by default: %+v, %v", c.TrustedPublishing, err)
	}
}

func TestIssuersThatCannotBe(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"issuers: {x: {url: 'http://gitlab.example.com', kind: gitlab, audience: a}}":                                                           "trusted_publishing.issuers.x.url",
		"issuers: {x: {url: 'http://127.0.0.1:1', kind: gitlab, audience: a}}":                                                                  `"http://127.0.0.1:1" is not https`,
		"{allow_loopback_http: true, issuers: {x: {url: 'http://localhost:1', kind: gitlab, audience: a}}}":                                     "is not https",
		"issuers: {x: {kind: gitlab, audience: a}}":                                                                                             "trusted_publishing.issuers.x.url",
		"issuers: {x: {url: 'https://gitlab.example.com', kind: jenkins, audience: a}}":                                                         `"jenkins": choose github, gitlab, generic`,
		"issuers: {x: {url: 'https://gitlab.example.com', audience: a}}":                                                                        "trusted_publishing.issuers.x.kind",
		"issuers: {x: {url: 'https://gitlab.example.com', kind: gitlab}}":                                                                       "trusted_publishing.issuers.x.audience",
		"issuers: {X: {url: 'https://gitlab.example.com', kind: gitlab, audience: a}}":                                                          "an issuer's name",
		"issuers: {x: {url: 'https://gitlab.example.com', kind: gitlab, audience: a, secret: b}}":                                               "trusted_publishing.issuers.x.secret: there is no such setting",
		"issuers: {x: {url: 'https://gitlab.example.com', kind: gitlab, audience: a, web_url: 'javascript:x'}}":                                 "trusted_publishing.issuers.x.web_url",
		"issuers: {x: {url: 'https://a.example.com', kind: gitlab, audience: a}, y: {url: 'https://a.example.com', kind: gitlab, audience: a}}": "is another issuer's, too",
		"token_seconds: 30":             "trusted_publishing.token_seconds",
		"token_seconds: 3601":           "trusted_publishing.token_seconds",
		"max_id_token_age_seconds: 0":   "trusted_publishing.max_id_token_age_seconds",
		"max_id_token_age_seconds: 1e6": "trusted_publishing.max_id_token_age_seconds",
		"ca_file: ca.pem":               "trusted_publishing.ca_file",
		"issuer: {}":                    "there is no such setting",
	} {
		if !strings.HasPrefix(text, "{") {
			text = "{" + text + "}"
		}
		if _, err := config.Load(file(t, "trusted_publishing: "+text+"\n"), nil, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
	ok := "trusted_publishing: {allow_loopback_http: true, issuers: {x: {url: 'http://127.0.0.1:1', kind: generic, audience: a}}}\n"
	if _, err := config.Load(file(t, ok), nil, nil); err != nil {
		t.Errorf("%s: %v", ok, err)
	}
}
