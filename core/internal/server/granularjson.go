package server

import (
	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/core/internal/registry"
)

const fieldGranular = "granular_scopes"

// granularDocument is one place of a granular scope, as GitLab shows it.
type granularDocument struct {
	Access       registry.ScopeAccess `json:"access"`
	ProjectID    *int64               `json:"project_id"`
	GroupID      *int64               `json:"group_id"`
	Permissions  []string             `json:"permissions"`
	NamePatterns []string             `json:"package_name_patterns"` // empty: any name
}

// granularDocuments are granular scopes, place by place.
func granularDocuments(scopes []registry.GranularScope) []granularDocument {
	var documents []granularDocument
	for _, s := range scopes {
		d := granularDocument{Access: s.Access, Permissions: s.Permissions, NamePatterns: append([]string{}, s.NamePatterns...)}
		for _, id := range s.ProjectIDs {
			here := d
			here.ProjectID = &id
			documents = append(documents, here)
		}
		for _, id := range s.GroupIDs {
			here := d
			here.GroupID = &id
			documents = append(documents, here)
		}
		if s.Access != registry.AccessSelected {
			documents = append(documents, d)
		}
	}
	return documents
}

// scopes reads which scopes a token is to have: classic ones or granular ones.
func (s *Server) scopes(r *manageCall) (classic []string, granular []registry.GranularScope) {
	switch {
	case r.given(fieldGranular) && r.given("scopes"):
		r.wrong = append(r.wrong, "scopes, "+fieldGranular+" are mutually exclusive")
	case r.given(fieldGranular):
		return nil, s.granularScopes(r)
	case !r.given("scopes"):
		r.wrong = append(r.wrong, "scopes is missing")
	}
	return r.list("scopes"), nil
}

// granularScopes reads a list of objects, the only field of the API that is one:
// it is JSON also within a form.
func (s *Server) granularScopes(r *manageCall) []registry.GranularScope {
	var scopes []registry.GranularScope
	if err := json.Unmarshal([]byte(r.text(fieldGranular)), &scopes, json.RejectUnknownMembers(true)); err != nil {
		r.wrong = append(r.wrong, fieldGranular+" is invalid")
		return nil
	}
	if err := registry.CheckGranularScopes(scopes); err != nil {
		r.wrong = append(r.wrong, err.Error())
		return nil
	}
	for _, scope := range scopes {
		for _, name := range scope.Permissions {
			if _, format, _ := registry.ParsePermission(name); format != "" && !s.isPackageType(format) {
				r.wrong = append(r.wrong, fieldGranular+" have the permission "+name+", which is of no package type")
			}
		}
	}
	return scopes
}
