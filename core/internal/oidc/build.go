package oidc

import (
	"net/url"
	"strconv"
	"strings"
)

// Build is what a token says of the run that its job is of.
type Build struct {
	RunID       string
	RunNumber   int64 // what people call it; 0: the issuer does not say
	RunURL      string
	Repository  string
	Ref         string // refs/heads/main, or just main: as the issuer has it
	SHA         string
	Workflow    string
	Actor       string // who made it run, as the issuer calls them
	Event       string // what made it run
	Environment string
}

// Build reads the claims that the token's kind of issuer has. A generic issuer's
// are called as the fields are: run_id, run_number, run_url, repository, ref, sha,
// workflow, actor, event, environment.
func (t Token) Build() Build {
	b := Build{Repository: t.Text("repository"), Ref: t.Text("ref"), SHA: t.Text("sha"), Environment: t.Text("environment"), Actor: t.Text("actor")}
	switch t.Issuer.Kind {
	case GitHub:
		b.RunID, b.RunNumber, b.Event = t.Text("run_id"), t.number("run_number"), t.Text("event_name")
		if b.Workflow = t.Text("workflow_ref"); b.Workflow == "" {
			b.Workflow = t.Text("workflow")
		}
		if b.Repository != "" && b.RunID != "" {
			b.RunURL = t.Issuer.web() + "/" + segments(b.Repository) + "/actions/runs/" + url.PathEscape(b.RunID)
			if attempt := t.Text("run_attempt"); attempt != "" && attempt != "1" {
				b.RunURL += "/attempts/" + url.PathEscape(attempt)
			}
		}
	case GitLab:
		b.Repository, b.RunID, b.Event = t.Text("project_path"), t.Text("pipeline_id"), t.Text("pipeline_source")
		b.Workflow, b.Actor = t.Text("ci_config_ref_uri"), t.Text("user_login")
		if b.Repository != "" && b.RunID != "" {
			b.RunURL = t.Issuer.web() + "/" + segments(b.Repository) + "/-/pipelines/" + url.PathEscape(b.RunID)
		}
	default:
		b.RunID, b.RunNumber, b.Event, b.Workflow = t.Text("run_id"), t.number("run_number"), t.Text("event"), t.Text("workflow")
		// It is made a link of.
		if u, err := url.Parse(t.Text("run_url")); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			b.RunURL = cut(u.String())
		}
	}
	return b
}

func (t Token) number(claim string) int64 {
	n, err := strconv.ParseInt(t.Text(claim), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// segments escapes what stands between the slashes of a path.
func segments(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// web is where people look at what the issuer runs, without a slash at the end. GitHub's own
// issuer has a host of its own; that of a server of one's own lies below its URL.
func (i Issuer) web() string {
	switch {
	case i.WebURL != "":
		return strings.TrimSuffix(i.WebURL, "/")
	case i.Kind == GitHub && i.URL == "https://token.actions.githubusercontent.com":
		return "https://github.com"
	case i.Kind == GitHub:
		return strings.TrimSuffix(strings.TrimSuffix(i.URL, "/"), "/_services/token")
	}
	return strings.TrimSuffix(i.URL, "/")
}
