package config

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/core/internal/federation"
)

// OIDCProvider is an OpenID provider with which people may sign in.
type OIDCProvider struct {
	Label        string `koanf:"label" yaml:"label"` // for people; empty: its name
	Issuer       string `koanf:"issuer" yaml:"issuer"`
	ClientID     string `koanf:"client_id" yaml:"client_id"`
	ClientSecret string `koanf:"client_secret" yaml:"client_secret"`
	// ClientSecretFile holds the secret, instead of ClientSecret.
	ClientSecretFile string   `koanf:"client_secret_file" yaml:"client_secret_file"`
	Scopes           []string `koanf:"scopes" yaml:"scopes"`                 // empty: openid, profile, email
	UsernameClaim    string   `koanf:"username_claim" yaml:"username_claim"` // empty: preferred_username
	GroupsClaim      string   `koanf:"groups_claim" yaml:"groups_claim"`     // empty: groups
	// AllowSignup: who comes for the first time gets a user.
	AllowSignup bool `koanf:"allow_signup" yaml:"allow_signup"`
	// LinkByUsername: who comes for the first time is the user of their name, if there is one.
	LinkByUsername bool     `koanf:"link_by_username" yaml:"link_by_username"`
	AllowedDomains []string `koanf:"allowed_domains" yaml:"allowed_domains"` // of verified e-mail addresses
	AllowedGroups  []string `koanf:"allowed_groups" yaml:"allowed_groups"`
}

// oidcProviderKeys are the settings of one provider.
func oidcProviderKeys() []string {
	return []string{
		"label", "issuer", "client_id", "client_secret", "client_secret_file", "scopes", "username_claim", "groups_claim",
		"allow_signup", "link_by_username", "allowed_domains", "allowed_groups",
	}
}

// listOfOIDCProvider: the environment says these with commas.
func listOfOIDCProvider(key string) bool {
	return regexp.MustCompile(`^oidc_providers\.[^.]+\.(scopes|allowed_domains|allowed_groups)$`).MatchString(key)
}

func (p OIDCProvider) validate(field string, bad func(field, format string, args ...any)) {
	// What is sent to a provider is a secret, and what it says is believed.
	if u, err := url.Parse(p.Issuer); err != nil || u.Host == "" || (u.Scheme != "https" && !loopback(u)) || u.RawQuery != "" || u.Fragment != "" {
		bad(field+".issuer", "%q is not an https URL", p.Issuer)
	}
	if p.ClientID == "" {
		bad(field+".client_id", "is empty")
	}
	if p.ClientSecret != "" && p.ClientSecretFile != "" {
		bad(field+".client_secret_file", "give the secret or its file, not both")
	}
	if len(p.Scopes) > 0 && !slices.Contains(p.Scopes, "openid") {
		bad(field+".scopes", "openid is missing: without it nobody is named")
	}
}

func loopback(u *url.URL) bool {
	return u.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
}

// SignInProviders are the providers, with their defaults and secrets.
func (c Config) SignInProviders() ([]federation.Provider, error) {
	var all []federation.Provider
	for name, p := range c.OIDCProviders {
		one := federation.Provider{
			Name: name, Label: p.Label, Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret, Scopes: p.Scopes,
			UsernameClaim: p.UsernameClaim, GroupsClaim: p.GroupsClaim, AllowSignup: p.AllowSignup, LinkByUsername: p.LinkByUsername,
			AllowedDomains: p.AllowedDomains, AllowedGroups: p.AllowedGroups,
		}
		if p.ClientSecretFile != "" {
			text, err := os.ReadFile(p.ClientSecretFile)
			if err != nil {
				return nil, fmt.Errorf("oidc_providers.%s.client_secret_file: %w", name, err)
			}
			one.ClientSecret = strings.TrimSpace(string(text))
		}
		if one.Label == "" {
			one.Label = name
		}
		if len(one.Scopes) == 0 {
			one.Scopes = []string{"openid", "profile", "email"}
		}
		if one.UsernameClaim == "" {
			one.UsernameClaim = "preferred_username"
		}
		if one.GroupsClaim == "" {
			one.GroupsClaim = "groups"
		}
		all = append(all, one)
	}
	return all, nil
}
