package server

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// settingsAPI mounts what is decided for packages in projects and groups. GitLab
// has only GraphQL for it (updateNamespacePackageSettings): the paths are ours,
// the fields GitLab's without the format before them.
func (s *Server) settingsAPI(e *gin.Engine) {
	for _, place := range []struct {
		subject subject
		path    string
		least   registry.AccessLevel // GitLab's admin_package
	}{
		{ofProject, "/api/v4/projects/:id/package_settings", registry.Maintainer},
		{ofGroup, "/api/v4/groups/:id/package_settings", registry.Owner},
	} {
		see := authz.Management{SignedIn: true, Least: place.least}
		change := authz.Management{SignedIn: true, Least: place.least, Writes: true}
		s.manage(e, place.path, map[string]managed{
			http.MethodGet: {see, place.subject, s.showReuse}, http.MethodPut: {change, place.subject, s.changeReuse},
		})
		s.manage(e, place.path+"/:format", map[string]managed{
			http.MethodGet: {see, place.subject, s.showSettings}, http.MethodPut: {change, place.subject, s.changeSettings},
		})
	}
}

// reuseDocument is what holds in a place for packages of all formats.
type reuseDocument struct {
	AllowReuse bool    `json:"allow_reuse_after_delete"`
	Inherited  bool    `json:"inherited"`  // the place decides nothing itself
	DecidedBy  *string `json:"decided_by"` // full path of whose decision it is; null: nobody's
}

// settingsDocument is what holds in a place for packages of one format.
type settingsDocument struct {
	Format             string  `json:"format"`
	DuplicatesAllowed  *bool   `json:"duplicates_allowed"` // null: as the format does by itself
	DuplicateException string  `json:"duplicate_exception_regex"`
	KeepSnapshots      int     `json:"keep_snapshots"` // 0: all
	MaxFileSize        int64   `json:"max_file_size"`  // in bytes; 0: what the registry or the format allows
	Inherited          bool    `json:"inherited"`
	DecidedBy          *string `json:"decided_by"`
}

func settingsDocumentOf(format string, s accounts.PackageSettings) settingsDocument {
	d := settingsDocument{
		Format: format, DuplicateException: s.DuplicateException, KeepSnapshots: s.KeepSnapshots, MaxFileSize: s.MaxFileSize,
		Inherited: s.Inherited, DecidedBy: unlessEmpty(s.DecidedBy),
	}
	if s.Decided {
		allowed := !s.RefuseDuplicates
		d.DuplicatesAllowed = &allowed
	}
	return d
}

// unlessEmpty is a text; null of none.
func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (s *Server) showReuse(r *manageCall) error {
	reuse, err := s.Accounts.ReuseIn(r.c.Request.Context(), r.at())
	return answerReuse(r, reuse, err)
}

func (s *Server) changeReuse(r *manageCall) error {
	allowed := r.decided("allow_reuse_after_delete")
	if r.inherits("allow_reuse_after_delete") {
		allowed = nil
	}
	if err := r.err(); err != nil {
		return err
	}
	reuse, err := s.Accounts.AllowReuse(r.c.Request.Context(), r.at(), allowed)
	return answerReuse(r, reuse, err)
}

func answerReuse(r *manageCall, reuse accounts.Reuse, err error) error {
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, reuseDocument{reuse.Allowed, reuse.Inherited, unlessEmpty(reuse.DecidedBy)})
}

// inherits reports whether what is decided is to be taken back, which leaves
// nothing else to say; without it there must be something.
func (p *parameters) inherits(others ...string) bool {
	if !p.boolean("inherited") {
		p.oneAtLeast(append(others, "inherited")...)
		if p.given("inherited") && !slices.ContainsFunc(others, p.given) {
			p.wrong = append(p.wrong, "inherited does not have a valid value")
		}
		return false
	}
	for _, name := range others {
		if p.given(name) {
			p.wrong = append(p.wrong, "inherited, "+name+" are mutually exclusive")
		}
	}
	return true
}

// settled is the format that the path names.
func (s *Server) settled(r *manageCall) (string, error) {
	format := r.segment(5)
	if !slices.Contains(s.packageTypes(), format) {
		return "", registry.Errorf(registry.CodeNotFound, "Format Not Found")
	}
	return format, nil
}

func (s *Server) showSettings(r *manageCall) error {
	format, err := s.settled(r)
	if err != nil {
		return err
	}
	settings, err := s.Accounts.SettingsOf(r.c.Request.Context(), r.at(), format)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, settingsDocumentOf(format, settings))
}

func (s *Server) changeSettings(r *manageCall) error {
	format, err := s.settled(r)
	if err != nil {
		return err
	}
	c := accounts.SettingsChange{DuplicatesAllowed: r.decided("duplicates_allowed"), DuplicateException: r.said("duplicate_exception_regex")}
	if r.given("keep_snapshots") {
		keep := int(r.whole("keep_snapshots", 0))
		c.KeepSnapshots = &keep
	}
	if r.given("max_file_size") {
		most := r.whole("max_file_size", 0)
		c.MaxFileSize = &most
	}
	back := r.inherits("duplicates_allowed", "duplicate_exception_regex", "keep_snapshots", "max_file_size")
	if err := r.err(); err != nil {
		return err
	}
	ctx := r.c.Request.Context()
	var settings accounts.PackageSettings
	if back {
		settings, err = s.Accounts.InheritSettings(ctx, r.at(), format)
	} else {
		settings, err = s.Accounts.ChangeSettings(ctx, r.at(), format, c)
	}
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, settingsDocumentOf(format, settings))
}
