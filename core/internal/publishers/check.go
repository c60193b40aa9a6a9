package publishers

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pakhus/pakhus/core/internal/oidc"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// The bounds of what a rule says, in characters and in claims.
const (
	maxName   = 255
	maxText   = 1024
	maxClaims = 20
)

// check refuses what a rule must not say, and puts the issuer's URL in the place of its name.
func (p *Publishers) check(r *Publisher) error {
	if err := text("name", r.Name, maxName); err != nil {
		return err
	}
	if err := text("subject", r.Subject, maxText); err != nil {
		return err
	}
	if r.Environment != "" {
		if err := text("environment", r.Environment, maxText); err != nil {
			return err
		}
	}
	if len(r.Claims) > maxClaims {
		return registry.Wrong("claims", "are more than %d", maxClaims)
	}
	for name, value := range r.Claims {
		if slices.Contains([]string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}, name) {
			return registry.Wrong("claims", "must not have %q: that is checked of every token", name)
		}
		for _, t := range []string{name, value} {
			if err := text("claims", t, maxText); err != nil {
				return err
			}
		}
	}
	if r.AccessLevel != registry.Developer && r.AccessLevel != registry.Maintainer {
		return registry.Wrong("access_level", "must be %d (developer) or %d (maintainer)", registry.Developer, registry.Maintainer)
	}
	issuer, err := p.issuer(r.Issuer)
	if err != nil {
		return err
	}
	r.Issuer = issuer.URL
	return narrow(issuer.Kind, r)
}

func text(field, value string, longest int) error {
	switch {
	case value == "":
		return registry.Wrong(field, "is empty")
	case utf8.RuneCountInString(value) > longest:
		return registry.Wrong(field, "is longer than %d characters", longest)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return registry.Wrong(field, "is invalid")
	}
	return nil
}

// issuer finds a trusted issuer by its name or URL.
func (p *Publishers) issuer(called string) (oidc.Issuer, error) {
	var names []string
	for _, i := range p.verifier.Issuers() {
		if i.Name == called || i.URL == called {
			return i, nil
		}
		names = append(names, i.Name)
	}
	if len(names) == 0 {
		return oidc.Issuer{}, registry.Wrong("issuer", "%q is not trusted: the operator of this registry has configured none", called)
	}
	return oidc.Issuer{}, registry.Wrong("issuer", "%q is not trusted: choose from %s", called, strings.Join(names, ", "))
}

// narrow refuses a rule that anybody fits who has an account with the issuer: on a
// public one everybody may run jobs. Somebody must be named, an owner at least.
func narrow(kind oidc.Kind, r *Publisher) error {
	switch kind {
	case oidc.GitHub:
		if literal(r.Subject, "repo:") || exact(r, "repository_id", "repository_owner", "repository_owner_id") || literal(r.Claims["repository"], "") {
			return nil
		}
		return registry.Wrong("subject", `must begin with an owner that is written out, "repo:acme/…", or the claims repository, repository_id, repository_owner or repository_owner_id must name one`)
	case oidc.GitLab:
		if literal(r.Subject, "project_path:") || exact(r, "project_id", "namespace_id", "namespace_path") || literal(r.Claims["project_path"], "") {
			return nil
		}
		return registry.Wrong("subject", `must begin with a group that is written out, "project_path:acme/…", or the claims project_path, project_id, namespace_path or namespace_id must name one`)
	case oidc.Generic:
	}
	names := func(v string) bool { return !strings.HasPrefix(v, wildcard) }
	if names(r.Subject) {
		return nil
	}
	for _, v := range r.Claims {
		if names(v) {
			return nil
		}
	}
	return registry.Wrong("subject", "must begin with something that is written out, or one of the claims must")
}

// literal reports whether behind a prefix an owner is written out, up to its slash.
func literal(pattern, prefix string) bool {
	rest, ok := strings.CutPrefix(pattern, prefix)
	owner, _, slash := strings.Cut(rest, "/")
	return ok && slash && owner != "" && !strings.Contains(owner, wildcard)
}

// exact reports whether one of some claims is asked for without a wildcard.
func exact(r *Publisher, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return r.Claims[name] != "" && !strings.Contains(r.Claims[name], wildcard)
	})
}
