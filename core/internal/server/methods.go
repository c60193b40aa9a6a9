package server

import (
	"maps"
	"net/http"
	"slices"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/routes"
)

// methodOf is what a path has for a request's method: HEAD is answered as GET is.
// The error is a 405 that names those there are.
func methodOf[T any](r *http.Request, methods map[string]T) (T, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if one, ok := methods[method]; ok {
		return one, nil
	}
	allowed := slices.Sorted(maps.Keys(methods))
	if _, ok := methods[http.MethodGet]; ok {
		allowed = append(allowed, http.MethodHead)
	}
	var none T
	return none, routes.NotAllowed(allowed)
}

// insufficientScope is the refusal of what a token's scopes do not reach, GitLab's.
func insufficientScope(writes bool) error {
	scope := string(registry.ScopeAPI)
	if !writes {
		scope += " " + string(registry.ScopeReadAPI)
	}
	const why = "The request requires higher privileges than provided by the access token."
	return &shapedError{
		Err:      registry.Errorf(registry.CodeForbidden, "%s", why),
		document: shapedDocument{Error: "insufficient_scope", Description: why, Scope: scope},
	}
}
