package server

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/protection"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// protectionAPI mounts GitLab's API of a project's protection rules. Plans are
// held against the rules where they are committed (package plan).
func (s *Server) protectionAPI(e *gin.Engine) {
	const rules = "/api/v4/projects/:id/packages/protection/rules"
	manages := func(writes bool, answer func(*manageCall) error) managed {
		return managed{Management: authz.Management{Least: registry.Maintainer, Writes: writes}, subject: ofProject, answer: answer}
	}
	s.manage(e, rules, map[string]managed{
		http.MethodGet:  manages(false, s.listProtectionRules),
		http.MethodPost: manages(true, s.createProtectionRule),
	})
	s.manage(e, rules+"/:rule_id", map[string]managed{
		http.MethodPatch:  manages(true, s.updateProtectionRule),
		http.MethodDelete: manages(true, s.deleteProtectionRule),
	})
}

// protectionDocument is a rule in GitLab's JSON.
type protectionDocument struct {
	ID          int64   `json:"id"`
	ProjectID   int64   `json:"project_id"`
	NamePattern string  `json:"package_name_pattern"`
	PackageType string  `json:"package_type"`
	ForPush     *string `json:"minimum_access_level_for_push"`
	ForDelete   *string `json:"minimum_access_level_for_delete"`
}

func documentOfRule(r registry.ProtectionRule) protectionDocument {
	return protectionDocument{
		r.ID, r.ProjectID, r.NamePattern, r.PackageType,
		levelName(protection.PushLevels(), r.ForPush), levelName(protection.DeleteLevels(), r.ForDelete),
	}
}

// levelName is a level's name; null if there is none.
func levelName(levels map[string]registry.AccessLevel, level registry.AccessLevel) *string {
	for name, l := range levels {
		if l == level {
			return &name
		}
	}
	return nil
}

func (s *Server) listProtectionRules(r *manageCall) error {
	page := r.page()
	if err := r.err(); err != nil {
		return err
	}
	found, extent, err := s.Protection.List(r.c.Request.Context(), r.caller.Project.ID, page)
	if err != nil {
		return err
	}
	documents := make([]protectionDocument, 0, len(found))
	for _, rule := range found {
		documents = append(documents, documentOfRule(rule))
	}
	s.pageHeaders(r.c.Writer.Header(), r.c.Request, page, extent, len(found))
	return r.json(http.StatusOK, documents)
}

// The fields of a rule.
const (
	fieldPattern = "package_name_pattern"
	fieldType    = "package_type"
	fieldPush    = "minimum_access_level_for_push"
	fieldDelete  = "minimum_access_level_for_delete"
)

func (s *Server) createProtectionRule(r *manageCall) error {
	for _, name := range []string{fieldPattern, fieldType} {
		if !r.given(name) {
			r.wrong = append(r.wrong, name+" is missing")
		}
	}
	r.oneGiven(fieldPush, fieldDelete)
	rule := registry.ProtectionRule{ProjectID: r.caller.Project.ID}
	s.protectionFields(r)(&rule)
	if err := r.err(); err != nil {
		return err
	}
	rule, err := s.Protection.Create(r.c.Request.Context(), rule)
	if err != nil {
		return unprocessable(err)
	}
	return r.json(http.StatusCreated, documentOfRule(rule))
}

// updateProtectionRule changes what is given, and takes away what is given as null.
func (s *Server) updateProtectionRule(r *manageCall) error {
	id, err := r.id(7)
	if err != nil {
		return err
	}
	change := s.protectionFields(r)
	if err := r.err(); err != nil {
		return err
	}
	rule, err := s.Protection.Update(r.c.Request.Context(), r.caller.Project.ID, id, change)
	if err != nil {
		return unprocessable(err)
	}
	return r.json(http.StatusOK, documentOfRule(rule))
}

// deleteProtectionRule removes a rule, unless it has changed since the time that
// If-Unmodified-Since names.
func (s *Server) deleteProtectionRule(r *manageCall) error {
	id, err := r.id(7)
	if err != nil {
		return err
	}
	ctx := r.c.Request.Context()
	rule, err := s.Protection.Find(ctx, r.caller.Project.ID, id)
	if err != nil {
		return err
	}
	if err := unmodified(r.c.Request.Header, rule.UpdatedAt); err != nil {
		return err
	}
	if err := s.Protection.Delete(ctx, r.caller.Project.ID, id); err != nil {
		return err
	}
	return r.empty(http.StatusNoContent)
}

// protectionFields reads the fields of a rule, and returns what they change of one.
func (s *Server) protectionFields(r *manageCall) func(*registry.ProtectionRule) {
	pattern := r.text(fieldPattern)
	format := ""
	if r.null(fieldType) {
		r.wrong = append(r.wrong, fieldType+" does not have a valid value")
	} else {
		format = r.oneOf(fieldType, s.packageTypes()...)
	}
	push, remove := r.level(fieldPush, protection.PushLevels()), r.level(fieldDelete, protection.DeleteLevels())
	return func(rule *registry.ProtectionRule) {
		if r.given(fieldPattern) {
			rule.NamePattern = pattern
		}
		if r.given(fieldType) {
			rule.PackageType = format
		}
		if r.given(fieldPush) {
			rule.ForPush = push
		}
		if r.given(fieldDelete) {
			rule.ForDelete = remove
		}
	}
}

// level is a field that names a role, or says that it is none.
func (p *parameters) level(name string, levels map[string]registry.AccessLevel) registry.AccessLevel {
	return levels[p.oneOf(name, slices.Sorted(maps.Keys(levels))...)]
}

// oneGiven asks for at least one of some fields, in GitLab's words.
func (p *parameters) oneGiven(names ...string) {
	if !slices.ContainsFunc(names, p.given) {
		p.wrong = append(p.wrong, strings.Join(names, ", ")+" are missing, at least one parameter must be provided")
	}
}

// unprocessable has what is wrong with a rule said in the shape that GitLab's
// services give it.
func unprocessable(err error) error {
	e, ok := errors.AsType[*registry.Error](err)
	if !ok || e.Code != registry.CodeUnprocessable {
		return err
	}
	return &shapedError{Err: err, document: shapedDocument{Messages: map[string][]string{"error": {e.Message}}}}
}
