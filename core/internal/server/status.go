package server

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// liveness says that the process answers.
func (s *Server) liveness(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
}

// readiness says whether the registry can serve: the database answers and
// every enabled format's plugin runs.
func (s *Server) readiness(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), time.Second)
	defer cancel()
	status, database := http.StatusOK, "ok"
	if err := s.Pool.Ping(ctx); err != nil {
		status, database = http.StatusServiceUnavailable, "unavailable"
		s.Log.Warn("not ready", "database", err)
	}
	formats := gin.H{}
	for _, p := range s.Plugins.States() {
		formats[p.Format] = p.State
		if p.State != "running" {
			status = http.StatusServiceUnavailable
		}
	}
	c.JSON(status, gin.H{"database": database, "formats": formats})
}

// pluginStates tells administrators, and people on the machine itself, how the plugins are.
func (s *Server) pluginStates(c *gin.Context) {
	if !s.onThisMachine(c.Request) {
		if err := s.adminOnly(c); err != nil {
			s.fail(c, err)
			return
		}
	}
	c.JSON(http.StatusOK, gin.H{"plugins": s.Plugins.States()})
}

// onThisMachine is true for a connection from loopback that no proxy stands behind.
func (s *Server) onThisMachine(r *http.Request) bool {
	peer, ok := peerOf(r)
	return ok && peer.IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}

func (s *Server) adminOnly(c *gin.Context) error {
	caller, _, err := s.who(c, place{}, false)
	if err != nil {
		return err
	}
	if caller.Actor.Kind == registry.Anonymous {
		return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized")
	}
	if !caller.Actor.Admin || !caller.Actor.Has(registry.ScopeAPI) {
		return registry.Errorf(registry.CodeForbidden, "Forbidden")
	}
	return nil
}
