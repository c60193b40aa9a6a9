package server

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/core/internal/packages"
)

// pipelineDocument is a run of CI in GitLab's JSON of pipelines.
type pipelineDocument struct {
	ID        int64         `json:"id"`
	IID       int64         `json:"iid"`
	ProjectID int64         `json:"project_id"`
	SHA       string        `json:"sha"`
	Ref       string        `json:"ref"`
	Status    string        `json:"status"`
	Source    string        `json:"source"`
	CreatedAt apiTime       `json:"created_at"`
	UpdatedAt apiTime       `json:"updated_at"`
	WebURL    *string       `json:"web_url"`
	User      *pipelineUser `json:"user"`
	Build     buildDocument `json:"build"` // not GitLab's
}

type pipelineUser struct {
	publicUser

	AvatarURL *string `json:"avatar_url"` // there are none here, nor pages of users
	WebURL    *string `json:"web_url"`
}

// buildDocument is what the run's issuer says of it, in its own words.
type buildDocument struct {
	Provider    string `json:"provider"`
	Issuer      string `json:"issuer"`
	Repository  string `json:"repository,omitzero"`
	Ref         string `json:"ref,omitzero"`
	SHA         string `json:"sha,omitzero"`
	RunID       string `json:"run_id,omitzero"`
	RunNumber   int64  `json:"run_number,omitzero"`
	RunURL      string `json:"run_url,omitzero"`
	Workflow    string `json:"workflow,omitzero"`
	Actor       string `json:"actor,omitzero"`
	Event       string `json:"event,omitzero"`
	Environment string `json:"environment,omitzero"`
}

// pipelineOf is a run as GitLab would show it. When it published, it was running;
// the registry does not learn how it ended.
func pipelineOf(b packages.Build) pipelineDocument {
	d := pipelineDocument{
		ID: b.ID, IID: b.RunNumber, ProjectID: b.ProjectID, SHA: b.SHA, Ref: shortRef(b.Ref), Status: "running", Source: sourceOf(b),
		CreatedAt: apiTime(b.CreatedAt), UpdatedAt: apiTime(b.CreatedAt),
		Build: buildDocument{
			Provider: b.Provider, Issuer: b.Issuer, Repository: b.Repository, Ref: b.Ref, SHA: b.SHA, RunID: b.RunID, RunNumber: b.RunNumber, RunURL: b.RunURL,
			Workflow: b.Workflow, Actor: b.Actor, Event: b.Event, Environment: b.Environment,
		},
	}
	if d.IID == 0 {
		d.IID = b.ID
	}
	if b.RunURL != "" {
		d.WebURL = &b.RunURL
	}
	if b.UserID != 0 {
		state := "active"
		if b.Blocked {
			state = "blocked"
		}
		d.User = &pipelineUser{publicUser: publicUser{b.UserID, b.Username, b.UserName, state}}
	}
	return d
}

// shortRef is a branch or a tag without git's prefix, as GitLab has it.
func shortRef(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		if short, ok := strings.CutPrefix(ref, prefix); ok {
			return short
		}
	}
	return ref
}

// sourceOf is GitLab's word for what made the run run. It has "external" for what
// came about elsewhere in a way that it does not know.
func sourceOf(b packages.Build) string {
	if b.Provider == "gitlab" && b.Event != "" {
		return b.Event
	}
	switch b.Event {
	case "push", "schedule":
		return b.Event
	case "workflow_dispatch":
		return "web"
	case "repository_dispatch":
		return "api"
	case "pull_request", "pull_request_target":
		return "external_pull_request_event"
	}
	return "external"
}

// mostPipelines is how many runs a page has at most, and if nothing is said: GitLab's.
const mostPipelines = 20

// listPipelines answers with a page of the runs that have published into a
// package, the latest first. There are no numbers of pages: a page says where the
// next one begins.
func (s *Server) listPipelines(r *apiCall) error {
	parameters := parametersOf(r.c.Request)
	size := parameters.number("per_page", mostPipelines)
	if size > mostPipelines {
		parameters.wrong = append(parameters.wrong, "per_page does not have a valid value")
	}
	cursor := parameters.buildCursor("cursor")
	if err := parameters.err(); err != nil {
		return err
	}
	ctx := r.c.Request.Context()
	p, err := s.Packages.Find(ctx, r.caller.Project.ID, r.packageID)
	if err != nil {
		return err
	}
	if !p.Status.Detailed() {
		return noPackage()
	}
	page, err := s.Packages.PackageBuilds(ctx, p.ID, cursor, size)
	if err != nil {
		return err
	}
	documents := make([]pipelineDocument, len(page.Builds))
	for i, b := range page.Builds {
		documents[i] = pipelineOf(b)
	}
	s.cursorLinks(r.c.Writer.Header(), r.c.Request, page)
	return r.json(documents)
}

// cursorDocument is GitLab's: where a page begins, and which way it goes.
type cursorDocument struct {
	ID        string `json:"id"`
	Direction string `json:"_kd"` // n, p
}

func (p *parameters) buildCursor(name string) packages.BuildCursor {
	text := p.text(name)
	if text == "" {
		return packages.BuildCursor{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	var d cursorDocument
	if err == nil {
		err = json.Unmarshal(raw, &d)
	}
	id, bad := strconv.ParseInt(d.ID, 10, 64)
	if err != nil || bad != nil || id < 1 || (d.Direction != "n" && d.Direction != "p") {
		p.wrong = append(p.wrong, name+" is invalid")
	}
	return packages.BuildCursor{LinkID: id, Backward: d.Direction == "p"}
}

// cursorLinks says where the pages before and behind a page begin.
func (s *Server) cursorLinks(h http.Header, r *http.Request, page packages.BuildPage) {
	if len(page.Builds) == 0 {
		return
	}
	var links []string
	link := func(rel, direction string, b packages.Build) {
		cursor, _ := json.Marshal(cursorDocument{strconv.FormatInt(b.LinkID, 10), direction})
		query := r.URL.Query()
		query.Set("cursor", base64.RawURLEncoding.EncodeToString(cursor))
		links = append(links, "<"+s.origin(r)+r.URL.EscapedPath()+"?"+query.Encode()+`>; rel="`+rel+`"`)
	}
	if page.Previous {
		link("prev", "p", page.Builds[0])
	}
	if page.Next {
		link("next", "n", page.Builds[len(page.Builds)-1])
	}
	if len(links) > 0 {
		h.Set("Link", strings.Join(links, ", "))
	}
}

// buildsOf returns the last run of each of some packages.
func (s *Server) buildsOf(r *apiCall, found ...packages.Package) (map[int64]packages.Build, error) {
	ids := make([]int64, len(found))
	for i, p := range found {
		ids[i] = p.ID
	}
	return s.Packages.LatestBuilds(r.c.Request.Context(), ids)
}

// pipelineIn is the run of a package, or none.
func pipelineIn(builds map[int64]packages.Build, id int64) *pipelineDocument {
	b, ok := builds[id]
	if !ok {
		return nil
	}
	d := pipelineOf(b)
	return &d
}
