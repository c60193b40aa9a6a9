package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Handler returns the routes. Formats are mounted from what is enabled; what
// lies below a mount is the format's manifest's business (see format.go).
func (s *Server) Handler() http.Handler {
	gin.SetMode(gin.ReleaseMode) // gin's debug mode only prints
	e := gin.New()
	s.takes, s.mounts, s.paths = map[string][]string{}, map[string]bool{}, nil
	// One canonical path is parsed from the escaped path (urlpath): gin must
	// neither unescape, clean nor redirect.
	e.UseRawPath = true
	e.UnescapePathValues = false
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	// Who the client is, is decided in client.go, never by gin.
	_ = e.SetTrustedProxies(nil)

	e.Use(s.begin, s.recoverPanic)

	reads := []string{http.MethodGet, http.MethodHead}
	e.Match(reads, "/-/liveness", s.liveness)
	e.Match(reads, "/-/readiness", s.readiness)
	e.Match(reads, "/-/plugins", s.pluginStates)
	e.Match(reads, "/-/routes", s.routeListing)
	e.Match([]string{http.MethodGet, http.MethodHead, http.MethodPost}, "/-/login/:id", s.signInPage)

	for _, name := range s.Plugins.Names() {
		format, _ := s.Plugins.Format(name)
		for level, mount := range map[spec.Level]string{
			spec.LevelProject:  "/api/v4/projects/:id/packages/" + name,
			spec.LevelGroup:    "/api/v4/groups/:id/-/packages/" + name,
			spec.LevelInstance: "/api/v4/packages/" + name,
		} {
			s.mounts[mount], s.mounts[mount+"/*path"] = true, true
			e.Any(mount, s.serve(level, format))
			e.Any(mount+"/*path", s.serve(level, format))
		}
	}
	s.packagesAPI(e)
	s.tokensAPI(e)
	s.usersAPI(e)
	s.groupsAPI(e)
	s.projectsAPI(e)
	s.membersAPI(e)
	s.settingsAPI(e)
	s.protectionAPI(e)
	s.jobTokensAPI(e)
	s.publishersAPI(e)
	s.jobScopeAPI(e)
	s.featuresAPI(e)
	s.auditAPI(e)
	s.applicationsAPI(e)
	s.oauthAPI(e)
	s.signInPages(e)
	s.listPaths(e)
	e.NoRoute(func(c *gin.Context) {
		s.fail(c, registry.Errorf(registry.CodeNotFound, "Not Found"))
	})
	return e
}
