package server

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/urlpath"
	"github.com/pakhus/pakhus/sdk/spec"
)

// endpoint is one method of one path of the packages API.
type endpoint struct {
	action spec.Action
	verb   registry.Verb // that a granular token must have, of packages of all formats
	answer func(*apiCall) error
	// ofGroup: the path is a group's, and about those of its projects whose packages
	// the caller may read.
	ofGroup bool
}

// packagesAPI mounts GitLab's API about packages of all formats. It lies beside
// the formats' own mounts: a package's id is a number, and no format's name is.
// Nor is a format called "protection", which is protectionAPI's.
func (s *Server) packagesAPI(e *gin.Engine) {
	const (
		list  = "/api/v4/projects/:id/packages"
		one   = list + "/:package_id"
		files = one + "/package_files"
		file  = files + "/:package_file_id"
		runs  = one + "/pipelines"
	)
	read := func(answer func(*apiCall) error) endpoint {
		return endpoint{action: spec.ActionReadPackage, verb: registry.VerbRead, answer: answer}
	}
	download := func(answer func(*apiCall) error) endpoint {
		return endpoint{action: spec.ActionReadPackage, verb: registry.VerbDownload, answer: answer}
	}
	destroy := func(answer func(*apiCall) error) endpoint {
		return endpoint{action: spec.ActionDestroyPackage, verb: registry.VerbDelete, answer: answer}
	}
	ofGroup := read(s.listGroupPackages)
	ofGroup.ofGroup = true
	for path, methods := range map[string]map[string]endpoint{
		"/api/v4/groups/:id/packages": {http.MethodGet: ofGroup},
		list:                          {http.MethodGet: read(s.listPackages)},
		one:                           {http.MethodGet: read(s.showPackage), http.MethodDelete: destroy(s.destroyPackage)},
		runs:                          {http.MethodGet: read(s.listPipelines)},
		files:                         {http.MethodGet: read(s.listPackageFiles)},
		file:                          {http.MethodDelete: destroy(s.destroyPackageFile)},
		file + "/download":            {http.MethodGet: download(s.downloadPackageFile)},
	} {
		s.takes[path] = methodsOf(methods)
		e.Any(path, s.api(methods))
	}
}

// apiCall is one request to the packages API on its way through the steps of api.
type apiCall struct {
	c         *gin.Context
	target    string // the project, or the group, as the URL names it, unescaped
	packageID int64
	fileID    int64
	caller    auth.Caller
	names     registry.Names      // of the packages that the request may be about
	readable  []registry.Standing // of a group: what the caller may read packages of
}

// standing is the caller's on the project that the path names.
func (r *apiCall) standing() registry.Standing {
	return registry.Standing{Project: *r.caller.Project, Level: r.caller.Level}
}

// api answers the requests for one path: this is a request from top to bottom.
func (s *Server) api(methods map[string]endpoint) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := &apiCall{c: c}
		if err := s.apiSteps(r, methods); err != nil {
			s.fail(c, err)
		}
	}
}

func (s *Server) apiSteps(r *apiCall, methods map[string]endpoint) error {
	if err := r.parse(); err != nil {
		return err
	}
	e, err := methodOf(r.c.Request, methods)
	if err != nil {
		return err
	}
	if err := s.identifyPerson(r, e); err != nil {
		return err
	}
	noted := attemptOf(r.c.Request.Context())
	noted.of(r.caller)
	if err := r.authorize(e); err != nil {
		noted.denied = true
		return err
	}
	return e.answer(r)
}

// parse takes the ids out of the one canonical path.
func (r *apiCall) parse() error {
	path, err := urlpath.Parse(r.c.Request.URL.EscapedPath())
	if err != nil {
		return err
	}
	// /api/v4/projects/:id/packages/:package_id/package_files/:package_file_id
	const project, pkg, file = 3, 5, 7
	r.target = path.Segments[project].Text
	for at, id := range map[int]*int64{pkg: &r.packageID, file: &r.fileID} {
		if at >= len(path.Segments) {
			continue
		}
		n, err := strconv.ParseUint(path.Segments[at].Text, 10, 63)
		if err != nil {
			return registry.Errorf(registry.CodeNotFound, "Not Found")
		}
		*id = int64(n)
	}
	return nil
}

// identifyPerson finds the caller. Deploy tokens are for package clients: here
// they are nobody, and as a Bearer token, where a person's is looked for, unknown.
// Of a group that holds for CI jobs, too.
func (s *Server) identifyPerson(r *apiCall, e endpoint) error {
	where := place{project: auth.ParseProjectRef(r.target)}
	if e.ofGroup {
		where = place{group: auth.ParseGroupRef(r.target)}
	}
	caller, credentials, err := s.who(r.c, where, false)
	if err != nil {
		return err
	}
	r.caller = caller
	if r.caller.Actor.Kind != registry.DeployToken && (!e.ofGroup || r.caller.Actor.Job == nil) {
		return nil
	}
	if credentials.Transport == auth.Bearer {
		return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized")
	}
	r.caller.Actor, r.caller.Level = registry.Actor{Kind: registry.Anonymous}, registry.NoAccess
	return nil
}

// authorize is GitLab's table for its REST API: 404 where the project must look
// as if it did not exist, 403 for everything else, also to the anonymous.
func (r *apiCall) authorize(e endpoint) error {
	c := r.caller
	granular := c.Actor.Has(registry.ScopeGranular)
	if !granular && !authz.Covers(c.Actor, e.action) {
		return insufficientScope(e.action != spec.ActionReadPackage)
	}
	if e.ofGroup {
		return r.authorizeGroup(e)
	}
	switch {
	case granular && authz.Visible(c.Actor, c.Project, c.Level) && !authz.Grants(c.Actor, c.Project, c.Level, e.verb):
		return forbiddenIn(c.Actor, c.Project, c.Level, "", e.verb)
	case authz.Decide(c.Actor, c.Project, c.Level, e.action) == authz.Allowed:
		r.names = authz.Names(c.Actor, c.Project, c.Level, e.verb)
		return nil
	case authz.Visible(c.Actor, c.Project, c.Level), c.Actor.Job != nil && c.Project != nil:
		return forbiddenTo(c)
	}
	return registry.Errorf(registry.CodeNotFound, "Project Not Found")
}

// find returns the package that the path names. One whose name the caller's token
// does not extend to is as if it were not there.
func (s *Server) find(r *apiCall) (packages.Package, error) {
	p, err := s.Packages.Find(r.c.Request.Context(), r.caller.Project.ID, r.packageID)
	if err == nil && !r.names.Include(p.Name) {
		return packages.Package{}, noPackage()
	}
	return p, err
}

// json answers with a document, which is the caller's only: what it says
// depends on who asked.
func (r *apiCall) json(document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	h := r.c.Writer.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	privately(h)
	r.c.Writer.WriteHeader(http.StatusOK)
	r.c.Writer.WriteHeaderNow()
	if r.c.Request.Method != http.MethodHead {
		_, _ = r.c.Writer.Write(body)
	}
	return nil
}
