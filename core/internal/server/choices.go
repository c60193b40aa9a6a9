package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// said is a text that may be left out: nil.
func (p *parameters) said(name string) *string {
	if !p.given(name) {
		return nil
	}
	v := p.text(name)
	return &v
}

// decided is a boolean that may be left out: nil.
func (p *parameters) decided(name string) *bool {
	if !p.given(name) {
		return nil
	}
	v := p.boolean(name)
	return &v
}

// visibility is GitLab's field of that name; empty where nothing is said.
func (p *parameters) visibility() registry.Visibility {
	return registry.Visibility(p.oneOf("visibility", string(registry.Private), string(registry.Internal), string(registry.Public)))
}

// accessLevel is a field that is a role, as a number; none is said: NoAccess.
func (p *parameters) accessLevel(name string) registry.AccessLevel {
	level := registry.AccessLevel(p.whole(name, 1))
	switch level {
	case registry.NoAccess, registry.Guest, registry.Planner, registry.Reporter, registry.Developer, registry.Maintainer, registry.Owner:
		return level
	}
	if level > 0 { // or it has been refused already
		p.wrong = append(p.wrong, name+" does not have a valid value")
	}
	return registry.NoAccess
}

// oneAtLeast refuses a request that says nothing of what there is to say.
func (p *parameters) oneAtLeast(names ...string) {
	sentence := ""
	for i, name := range names {
		if p.given(name) {
			return
		}
		if i > 0 {
			sentence += ", "
		}
		sentence += name
	}
	p.wrong = append(p.wrong, sentence+" are missing, at least one parameter must be provided")
}

// part is which part of a list is asked for. The first of the orders is the usual one.
func (p *parameters) part(descending bool, orders ...string) accounts.Part {
	part := accounts.Part{Page: p.page(), Order: packages.Order{By: orders[0], Descending: descending}}
	if by := p.oneOf("order_by", orders...); by != "" {
		part.By = by
	}
	if sort := p.oneOf("sort", "asc", "desc"); sort != "" {
		part.Descending = sort == "desc"
	}
	return part
}

// viewer is whose eyes lists are made for.
func (r *manageCall) viewer() accounts.Viewer {
	return accounts.Viewer{UserID: r.caller.Actor.UserID, Admin: r.caller.Actor.Admin}
}

// reaches reports whether the caller has at least a role on what the path names.
func (r *manageCall) reaches(level registry.AccessLevel) bool {
	return r.caller.Actor.Admin || r.caller.Level >= level
}

// accepted answers a deletion as GitLab does, though here it is done.
func (r *manageCall) accepted() error {
	return r.json(http.StatusAccepted, struct {
		Message string `json:"message"`
	}{"202 Accepted"})
}

func forbidden() error { return registry.Errorf(registry.CodeForbidden, "Forbidden") }

// answerList answers with a page of a list.
func answerList[T, D any](s *Server, r *manageCall, page packages.Page, list []T, extent packages.Extent, document func(T) D) error {
	documents := make([]D, len(list))
	for i, one := range list {
		documents[i] = document(one)
	}
	s.pageHeaders(r.c.Writer.Header(), r.c.Request, page, extent, len(list))
	return r.json(http.StatusOK, documents)
}

// refused reports whether a field has been found wrong already.
func (p *parameters) refused(name string) bool {
	return slices.ContainsFunc(p.wrong, func(w string) bool { return strings.HasPrefix(w, name+" ") })
}
