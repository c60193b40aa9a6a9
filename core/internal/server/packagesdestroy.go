package server

import (
	"net/http"
	"time"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// destroyPackage removes a package, whatever its status. Name and version stay reserved.
func (s *Server) destroyPackage(r *apiCall) error {
	return s.destroy(r, func() (string, *spec.Plan, error) {
		p, err := s.Packages.Find(r.c.Request.Context(), r.caller.Project.ID, r.packageID)
		if err != nil {
			return "", nil, err
		}
		destruction := &spec.Plan{Operations: []spec.Operation{{Op: spec.DestroyPackage{Package: spec.PackageRef{ID: p.ID}}}}}
		if r.c.GetHeader("If-Unmodified-Since") != "" {
			// What was looked at must be what is destroyed.
			destruction.Preconditions = []spec.Precondition{{Check: spec.PackageUnchanged{ID: p.ID, LockVersion: p.LockVersion}}}
		}
		return p.Format, destruction, unmodified(r.c.Request.Header, p.UpdatedAt)
	})
}

// destroyPackageFile removes one file of a package. A package whose last file
// went stays, without files.
func (s *Server) destroyPackageFile(r *apiCall) error {
	return s.destroy(r, func() (string, *spec.Plan, error) {
		ctx := r.c.Request.Context()
		p, err := s.Packages.Find(ctx, r.caller.Project.ID, r.packageID)
		if err != nil {
			return "", nil, err
		}
		f, err := s.Packages.FileOf(ctx, r.caller.Project.ID, p.ID, r.fileID)
		if err != nil {
			return "", nil, err
		}
		destruction := &spec.Plan{Operations: []spec.Operation{{Op: spec.DestroyFile{FileID: f.ID}}}}
		return p.Format, destruction, unmodified(r.c.Request.Header, f.CreatedAt)
	})
}

// destroy carries out what look says is to be done. It goes the way of a
// format's own plans, so that caches, events and reservations come out the same.
// What went away or changed since it was looked at is looked at again.
func (s *Server) destroy(r *apiCall, look func() (format string, destruction *spec.Plan, err error)) error {
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		if err := letOthersPass(r.c.Request.Context(), attempt); err != nil {
			return err
		}
		format, destruction, err := look()
		if err != nil {
			return err
		}
		result, err := s.Plans.Commit(r.c.Request.Context(), plan.Scope{
			RequestID: requestID(r.c),
			Format:    format,
			Project:   *r.caller.Project,
			Actor:     r.caller.Actor,
			Level:     r.caller.Level,
			Action:    spec.ActionDestroyPackage,
			Schema:    s.Schemas(format),
			Audit:     destroyed(r),
		}, destruction)
		if err != nil {
			return err
		}
		if result.State == plan.Committed {
			r.c.Writer.WriteHeader(http.StatusNoContent)
			r.c.Writer.WriteHeaderNow()
			return nil
		}
	}
	return registry.Errorf(registry.CodeConflict, "this package is being changed by others; try again")
}

// destroyed is what the audit is told of a deletion.
func destroyed(r *apiCall) audit.Event {
	e := attemptOf(r.c.Request.Context()).Event
	e.Status = http.StatusNoContent
	return e
}

// unmodified is CodePrecondition if a thing has changed since the time that
// If-Unmodified-Since names: an HTTP date or, as in GitLab, one of its
// documents' own. One that cannot be read is none (RFC 9110 §13.1.4). A change
// within the second that a date names counts as later: who is not sure that
// nothing changed destroys nothing.
func unmodified(h http.Header, changed time.Time) error {
	value := h.Get("If-Unmodified-Since")
	since, err := http.ParseTime(value)
	if err != nil {
		since, err = time.Parse(time.RFC3339, value)
	}
	if err == nil && changed.Truncate(time.Millisecond).After(since) {
		return registry.Errorf(registry.CodePrecondition, "Precondition Failed")
	}
	return nil
}
