package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/features"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/plugins"
	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/core/internal/urlpath"
	"github.com/pakhus/pakhus/sdk/spec"
)

// call is one request on its way through the steps of serve.
type call struct {
	c        *gin.Context
	format   *plugins.Session
	manifest *spec.Manifest
	level    spec.Level
	target   string // the project or group as the URL names it, unescaped
	route    *spec.Route
	params   map[string]string
	names    string // the full path that the route's convention reads out of them, at instance level
	media    string // of route.Produces
	switches *features.Set
	goesBy   []string // the switches' names for the route
	caller   auth.Caller
	about    about        // from authorize on
	body     *upload.Body // once it was received
	// The generations of the route's cache keys as the prefetch saw them.
	prefetchedAt []packages.Generation
	// The contents of files that the prefetch found, as far as they are in the database.
	contents map[int64][]byte
}

// serve answers the requests below one mount of a format: this is a request
// from top to bottom. Each step either hands on or answers.
func (s *Server) serve(level spec.Level, format *plugins.Format) gin.HandlerFunc {
	return func(c *gin.Context) {
		session := format.Begin()
		defer session.End()
		r := &call{c: c, format: session, manifest: session.Manifest(), level: level}
		defer func() {
			if r.body.Staged() {
				// What has come is forgotten after the answer: nobody need wait for that.
				c.Writer.Flush()
			}
			r.body.Discard()
		}()
		answer, err := s.steps(r)
		if err != nil {
			s.refuse(r, err)
			return
		}
		s.respond(r, answer)
	}
}

func (s *Server) steps(r *call) (*answer, error) {
	if err := s.match(r); err != nil {
		return nil, err
	}
	if err := s.switchedOn(r); err != nil {
		return nil, err
	}
	body, err := s.authenticate(r)
	if err != nil {
		return nil, err
	}
	r.body = body
	if err := s.admit(r); err != nil {
		return nil, err
	}
	if r.route.Cache != nil && !r.about.nothing() && isRead(r.c.Request) && r.remembers() {
		a, err := s.remembered(r)
		if err != nil {
			return nil, err
		}
		return r.unlessHidden(a)
	}
	if body == nil {
		if err := s.foreseen(r); err != nil {
			return nil, err
		}
		began := time.Now()
		if body, err = s.receive(r); err != nil {
			return nil, err
		}
		r.body = body
		if time.Since(began) > lasting {
			// Whoever began it may not be allowed to any more, nor anybody.
			if err := s.admitAgain(r); err != nil {
				return nil, err
			}
		}
	}
	a, err := s.dispatch(r, body)
	if err != nil {
		return nil, err
	}
	return r.unlessHidden(a)
}

// lasting is from when on an upload has lasted so long that what was known of
// its sender is old: rights end within a second.
const lasting = 500 * time.Millisecond

// admit authorizes, and notes it if that fails.
func (s *Server) admit(r *call) error {
	err := s.authorize(r)
	attemptOf(r.c.Request.Context()).denied = err != nil
	return err
}

func (s *Server) admitAgain(r *call) error {
	if err := s.switchedOn(r); err != nil {
		return err
	}
	if _, err := s.authenticate(r); err != nil {
		return err
	}
	return s.admit(r)
}

// match finds the route from the one canonical path, which everything after it shares.
func (s *Server) match(r *call) error {
	path, err := urlpath.Parse(r.c.Request.URL.EscapedPath())
	if err != nil {
		return err
	}
	var rest int
	switch r.level {
	case spec.LevelProject: // /api/v4/projects/:id/packages/<format>/…
		r.target, rest = path.Segments[3].Text, 6
	case spec.LevelGroup: // /api/v4/groups/:id/-/packages/<format>/…
		r.target, rest = path.Segments[3].Text, 7
	case spec.LevelInstance: // /api/v4/packages/<format>/…
		rest = 4
	}
	below, err := urlpath.Package(path, rest, r.manifest.EscapedSlashSeparates)
	if err != nil {
		return err
	}
	var found routes.Match
	if found, err = r.format.Table().Match(r.level, r.c.Request.Method, below, r.c.Request.URL.Query(), r.c.Request.Header); err != nil {
		return err
	}
	r.route, r.params, r.names = found.Route, found.Params, found.Names
	attemptOf(r.c.Request.Context()).ofRoute(r)
	r.media, err = negotiate(r.route.Produces, r.c.Request.Header)
	return err
}

func (r *call) timeout() time.Duration { return r.route.Timeout }

func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}
