package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// auditAPI mounts GitLab's API of audit events. As there, administrators see all,
// owners those of their group, maintainers those of their project; who is less,
// from Developer on, their own.
func (s *Server) auditAPI(e *gin.Engine) {
	of := func(subject subject, least registry.AccessLevel, answer func(*manageCall) error) map[string]managed {
		m := authz.Management{Least: least, SignedIn: true, Admin: subject == ofInstance}
		return map[string]managed{http.MethodGet: {Management: m, subject: subject, answer: answer}}
	}
	s.manage(e, "/api/v4/audit_events", of(ofInstance, registry.NoAccess, s.listAuditEvents))
	s.manage(e, "/api/v4/audit_events/:audit_event_id", of(ofInstance, registry.NoAccess, s.showAuditEvent(3)))
	s.manage(e, "/api/v4/projects/:id/audit_events", of(ofProject, registry.Developer, s.listAuditEvents))
	s.manage(e, "/api/v4/projects/:id/audit_events/:audit_event_id", of(ofProject, registry.Maintainer, s.showAuditEvent(5)))
	s.manage(e, "/api/v4/groups/:id/audit_events", of(ofGroup, registry.Developer, s.listAuditEvents))
	s.manage(e, "/api/v4/groups/:id/audit_events/:audit_event_id", of(ofGroup, registry.Owner, s.showAuditEvent(5)))
}

// listAuditEvents answers with a page of events, the latest first.
func (s *Server) listAuditEvents(r *manageCall) error {
	q := audit.Query{After: r.time("created_after"), Before: r.time("created_before"), Page: r.page()}
	q.Outcome = audit.Outcome(r.oneOf("outcome", string(audit.Done), string(audit.Refused)))
	entity := r.entity()
	q.EntityType, q.EntityID = entity.Type, entity.ID
	all := registry.NoAccess // of the instance: administrators only
	switch entity.Type {
	case audit.Project:
		all = registry.Maintainer
	case audit.Group:
		all = registry.Owner
	default:
		q.EntityType = r.oneOf("entity_type", audit.Project, audit.Group, "User", audit.Instance)
		if q.EntityID = r.whole("entity_id", 1); q.EntityID != 0 && q.EntityType == "" {
			r.wrong = append(r.wrong, "entity_id requires entity_type")
		}
	}
	if !r.caller.Actor.Admin && r.caller.Level < all {
		q.AuthorID = r.caller.Actor.UserID
	}
	if err := r.err(); err != nil {
		return err
	}
	found, extent, err := audit.List(r.c.Request.Context(), s.Pool, q)
	if err != nil {
		return err
	}
	documents := make([]auditDocument, 0, len(found))
	for _, e := range found {
		documents = append(documents, auditDocumentOf(e))
	}
	s.pageHeaders(r.c.Writer.Header(), r.c.Request, q.Page, extent, len(found))
	return r.json(http.StatusOK, documents)
}

// showAuditEvent answers with one event; its id is the path's segment of that number.
func (s *Server) showAuditEvent(segment int) func(*manageCall) error {
	return func(r *manageCall) error {
		id, err := r.id(segment)
		if err != nil {
			return err
		}
		e, err := audit.Find(r.c.Request.Context(), s.Pool, id, r.entity())
		if err != nil {
			return err
		}
		return r.json(http.StatusOK, auditDocumentOf(e))
	}
}

// entity is the project or group that the path names; none for the instance.
func (r *manageCall) entity() audit.Entity {
	if r.caller.Project != nil {
		return audit.OfProject(r.caller.Project)
	}
	return audit.OfGroup(r.caller.Group)
}

// time is a parameter in ISO 8601: a point in time, or a day, which begins at
// midnight in UTC. What is not there is the zero time.
func (p *parameters) time(name string) time.Time {
	v, _ := p.last(name)
	if v == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, v); err == nil && t.Year() > 0 {
			return t
		}
	}
	p.wrong = append(p.wrong, name+" is invalid")
	return time.Time{}
}
