package manifest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/manifest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// good is a manifest that nothing is wrong with.
func good() *spec.Manifest {
	project := []spec.Level{spec.LevelProject}
	return &spec.Manifest{
		Format:     "demo",
		Version:    "1.2.3-rc.1+build",
		Validators: map[string]string{"name": "[a-z]+"},
		Routes: []spec.Route{
			{ID: "ping", Method: "GET", Pattern: "-/ping", Levels: project, Action: spec.ActionNone},
			{
				ID: "get", Method: "GET", Pattern: "{name:name}", Levels: project, Action: spec.ActionReadPackage,
				Cache:    &spec.CachePolicy{Keys: []string{"{name}"}, VaryQuery: []string{"v"}},
				Prefetch: []spec.Finder{{Name: "{name}", WithRows: []spec.RowSelection{{Table: "metadata"}}}},

				PrefetchQueries: []spec.PrefetchQuery{{Name: "latest", Arguments: []string{"{name}/x", "1"}}},

				Produces: []string{"application/json"},
			},
			{
				ID: "put", Method: "PUT", Pattern: "{name:name}", Levels: project, Action: spec.ActionCreatePackage, PackageName: "{name}",
				Body: spec.BodyPolicy{
					Kind: spec.BodyJSONAttachments, MaxBytes: 1 << 20, MaxFiles: 2,
					Attachments: []spec.Attachment{{Path: []string{"files", "*.tgz", "data"}, Encoding: spec.EncodingBase64}},
				},
			},
			{
				ID: "login", Method: "PUT", Pattern: "-/login", Levels: project, Action: spec.ActionNone,
				Body:            spec.BodyPolicy{Kind: spec.BodyInline, MaxBytes: 1 << 10},
				BodyCredentials: &spec.BodyCredentials{UsernameField: "name", PasswordField: "password"},
			},
		},
		Metadata: spec.MetadataSchema{
			Migrations: []spec.Migration{{Name: "001_metadata", SQL: "create table metadata ()"}},
			Queries: []spec.NamedQuery{
				{Name: "search", SQL: "select 1", ArgumentTypes: []string{"text[]"}, Result: []spec.QueryColumn{{Name: "n", Type: "bigint"}}},
				{Name: "latest", SQL: "select 1", ArgumentTypes: []string{"text", "bigint"}, Result: []spec.QueryColumn{{Name: "n", Type: "bigint"}}},
			},
		},
		Jobs:           []spec.JobKind{{Kind: "extract", Timeout: time.Minute, MaxAttempts: 3}},
		Events:         []string{"package.destroyed"},
		Limits:         spec.FileLimits{MaxFileBytes: 1 << 30, Digests: []spec.Digest{spec.SHA1, spec.SHA512}, TooLargeStatus: http.StatusRequestEntityTooLarge},
		RequestHeaders: []string{"npm-command"},
	}
}

const (
	ping = iota
	get
	put
	login
)

func TestAGoodManifestIsTaken(t *testing.T) {
	t.Parallel()
	if err := manifest.Check(good()); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string // want: what the error must name
		spoil      func(*spec.Manifest)
	}{
		{"format in upper case", "format", func(m *spec.Manifest) { m.Format = "Demo" }},
		{"format too long", "format", func(m *spec.Manifest) { m.Format = strings.Repeat("a", 32) }},
		{"reserved format", "format", func(m *spec.Manifest) { m.Format = "protection" }},
		{"version", "version", func(m *spec.Manifest) { m.Version = "v1.0.0" }},
		{"error style", "errors", func(m *spec.Manifest) { m.Errors = 9 }},
		{"feature", "requiredFeatures", func(m *spec.Manifest) { m.RequiredFeatures = []string{"A b"} }},
		{"validator's name", "validators", func(m *spec.Manifest) { m.Validators["N"] = "a" }},
		{"validator captures", "validators: v", func(m *spec.Manifest) { m.Validators["v"] = "(a)" }},
		{"no routes", "routes", func(m *spec.Manifest) { m.Routes = nil }},
		{"route id", "route number 1", func(m *spec.Manifest) { m.Routes[ping].ID = "Ping" }},
		{"route id twice", "route ping: id", func(m *spec.Manifest) { m.Routes[get].ID = "ping" }},
		{"leading slash", "route ping: pattern", func(m *spec.Manifest) { m.Routes[ping].Pattern = "/-/ping" }},
		{"unknown validator", "route get: pattern", func(m *spec.Manifest) { m.Routes[get].Pattern = "{name:nome}" }},
		{"HEAD", "route ping: method", func(m *spec.Manifest) { m.Routes[ping].Method = "HEAD" }},
		{"OPTIONS", "route ping: method", func(m *spec.Manifest) { m.Routes[ping].Method = "OPTIONS" }},
		{"no level", "route ping: levels", func(m *spec.Manifest) { m.Routes[ping].Levels = nil }},
		{"level twice", "route ping: levels", func(m *spec.Manifest) { m.Routes[ping].Levels = []spec.Level{1, 1} }},
		{"unknown level", "route ping: levels", func(m *spec.Manifest) { m.Routes[ping].Levels = []spec.Level{4} }},
		{"no action", "route ping: action", func(m *spec.Manifest) { m.Routes[ping].Action = 0 }},
		{"GET that writes", "route get: action", func(m *spec.Manifest) { m.Routes[get].Action = spec.ActionCreatePackage }},
		{"DELETE for readers", "route put: action", func(m *spec.Manifest) {
			m.Routes[put].Method, m.Routes[put].Action, m.Routes[put].Body = "DELETE", spec.ActionReadPackage, spec.BodyPolicy{}
		}},
		{"timeout", "route get: timeout", func(m *spec.Manifest) { m.Routes[get].Timeout = time.Hour }},
		{"challenge", "route get: challenge", func(m *spec.Manifest) { m.Routes[get].Challenge = 7 }},
		{"denial", "route get: anonymousDenial", func(m *spec.Manifest) { m.Routes[get].AnonymousDenial = -1 }},
		{"GET with a body", "route get: body", func(m *spec.Manifest) { m.Routes[get].Body = spec.BodyPolicy{Kind: spec.BodyInline, MaxBytes: 1} }},
		{"files from readers", "route put: body", func(m *spec.Manifest) { m.Routes[put].Action = spec.ActionReadPackage }},
		{"unbounded document", "route put: body: maxBytes", func(m *spec.Manifest) { m.Routes[put].Body.MaxBytes = 0 }},
		{"document over a message", "route put: body: maxBytes", func(m *spec.Manifest) { m.Routes[put].Body.MaxBytes = 1 << 30 }},
		{"no files", "route put: body: maxFiles", func(m *spec.Manifest) { m.Routes[put].Body.MaxFiles = 0 }},
		{"no attachments", "route put: body: attachments", func(m *spec.Manifest) { m.Routes[put].Body.Attachments = nil }},
		{"two wildcards", "route put: body: attachments: path", func(m *spec.Manifest) { m.Routes[put].Body.Attachments[0].Path[1] = "*.*" }},
		{"no encoding", "route put: body: attachments: encoding", func(m *spec.Manifest) { m.Routes[put].Body.Attachments[0].Encoding = 0 }},
		{"file parts of JSON", "route put: body: fileParts", func(m *spec.Manifest) { m.Routes[put].Body.FileParts = []string{"a"} }},
		{"inline part of JSON", "route put: body: inlineBelow", func(m *spec.Manifest) { m.Routes[put].Body.InlineBelow = 1 }},
		{"unknown body", "route put: body", func(m *spec.Manifest) { m.Routes[put].Body.Kind = 9 }},
		{"login without a password", "route login: bodyCredentials", func(m *spec.Manifest) { m.Routes[login].BodyCredentials.PasswordField = "" }},
		{"login with an action", "route login: bodyCredentials", func(m *spec.Manifest) { m.Routes[login].Action = spec.ActionReadPackage }},
		{"login without a body", "route login: bodyCredentials", func(m *spec.Manifest) { m.Routes[login].Body = spec.BodyPolicy{} }},
		{"match on credentials", "route get: matchHeaders", func(m *spec.Manifest) { m.Routes[get].MatchHeaders = map[string]string{"authorization": "x"} }},
		{"match on nothing", "route get: matchHeaders", func(m *spec.Manifest) { m.Routes[get].MatchHeaders = map[string]string{"npm-command": ""} }},
		{"media range", "route get: produces", func(m *spec.Manifest) { m.Routes[get].Produces = []string{"application/*"} }},
		{"flag", "route get: featureFlag", func(m *spec.Manifest) { m.Routes[get].FeatureFlag = "a-b" }},
		{"package of an unknown parameter", "route put: packageName", func(m *spec.Manifest) { m.Routes[put].PackageName = "{nome}" }},
		{"package of a read", "route get: packageName", func(m *spec.Manifest) { m.Routes[get].PackageName = "{name}" }},
		{"cache without keys", "route get: cache", func(m *spec.Manifest) { m.Routes[get].Cache.Keys = nil }},
		{"cache by an unknown parameter", "route get: cache", func(m *spec.Manifest) { m.Routes[get].Cache.Keys = []string{"{nome}"} }},
		{"cache of what is no package", "route ping: cache", func(m *spec.Manifest) { m.Routes[ping].Cache = &spec.CachePolicy{Keys: []string{"x"}} }},
		{"prefetch by an unknown parameter", "route get: prefetch", func(m *spec.Manifest) { m.Routes[get].Prefetch[0].Version = "{v}" }},
		{"prefetch by a suffix with a parameter", "route get: prefetch: fileSuffix", func(m *spec.Manifest) { m.Routes[get].Prefetch[0].FileSuffix = "{name}" }},
		{"prefetch of a later page", "route get: prefetch", func(m *spec.Manifest) { m.Routes[get].Prefetch[0].PageToken = "x" }},
		{"prefetch of a bad table", "route get: prefetch", func(m *spec.Manifest) { m.Routes[get].Prefetch[0].WithRows[0].Table = "a;b" }},
		{"prefetch without a project", "route ping: prefetch", func(m *spec.Manifest) { m.Routes[ping].Prefetch = []spec.Finder{{}} }},
		{"prefetch of an unknown query", "route get: prefetchQueries: none", func(m *spec.Manifest) { m.Routes[get].PrefetchQueries[0].Name = "none" }},
		{"query with too few arguments", "route get: prefetchQueries: latest: 1 arguments", func(m *spec.Manifest) {
			m.Routes[get].PrefetchQueries[0].Arguments = []string{"{name}"}
		}},
		{"query with a parameter for a number", "route get: prefetchQueries: latest: argument 2", func(m *spec.Manifest) {
			m.Routes[get].PrefetchQueries[0].Arguments[1] = "{name}"
		}},
		{"query by an unknown parameter", "route get: prefetchQueries: latest", func(m *spec.Manifest) {
			m.Routes[get].PrefetchQueries[0].Arguments[0] = "{nome}"
		}},
		{"query with a list", "route get: prefetchQueries: search: argument 1", func(m *spec.Manifest) {
			m.Routes[get].PrefetchQueries = []spec.PrefetchQuery{{Name: "search", Arguments: []string{"{name}"}}}
		}},
		{"query without a project", "route ping: prefetchQueries", func(m *spec.Manifest) {
			m.Routes[ping].PrefetchQueries = []spec.PrefetchQuery{{Name: "latest", Arguments: []string{"", "1"}}}
		}},
		{"direct file without a finder of one", "route get: direct file", func(m *spec.Manifest) { m.Routes[get].DirectFile = &spec.DirectFile{} }},
		{"direct file of two finders", "route get: direct file", func(m *spec.Manifest) {
			f := spec.Finder{Name: "{name}", FileName: "f", WithFiles: true}
			m.Routes[get].DirectFile, m.Routes[get].Prefetch = &spec.DirectFile{}, []spec.Finder{f, f}
		}},
		{"direct file of a login", "route login: direct file", func(m *spec.Manifest) { m.Routes[login].DirectFile = &spec.DirectFile{} }},
		{"direct row without a query", "route get: direct row: needs one query", func(m *spec.Manifest) { m.Routes[get].DirectRow = &spec.DirectRow{ContentType: "text/plain"} }},
		{"direct row of a number", "route get: direct row: the query must return one column, of text", func(m *spec.Manifest) {
			m.Routes[get].DirectRow = &spec.DirectRow{ContentType: "text/plain"}
			m.Routes[get].PrefetchQueries, m.Routes[get].Prefetch = []spec.PrefetchQuery{{Name: "latest", Arguments: []string{"", "1"}}}, nil
		}},
		{"direct row of no type", "route get: direct row: contentType", func(m *spec.Manifest) { m.Routes[get].DirectRow = &spec.DirectRow{} }},
		{"direct row of a login", "route login: direct row: only GET", func(m *spec.Manifest) { m.Routes[login].DirectRow = &spec.DirectRow{ContentType: "text/plain"} }},
		{"migration without SQL", "migrations: 001_metadata", func(m *spec.Manifest) { m.Metadata.Migrations[0].SQL = " " }},
		{"migration twice", "migrations: 001_metadata", func(m *spec.Manifest) {
			m.Metadata.Migrations = append(m.Metadata.Migrations, m.Metadata.Migrations[0])
		}},
		{"query's name", "queries", func(m *spec.Manifest) { m.Metadata.Queries[0].Name = "a-b" }},
		{"query twice", "queries: search", func(m *spec.Manifest) { m.Metadata.Queries = append(m.Metadata.Queries, m.Metadata.Queries[0]) }},
		{"query without a result", "queries: search: result", func(m *spec.Manifest) { m.Metadata.Queries[0].Result = nil }},
		{"query's type", "queries: search: argumentTypes", func(m *spec.Manifest) { m.Metadata.Queries[0].ArgumentTypes[0] = "text) --" }},
		{"query's column type", "queries: search: result", func(m *spec.Manifest) { m.Metadata.Queries[0].Result[0].Type = "" }},
		{"job twice", "jobs: kind extract", func(m *spec.Manifest) { m.Jobs = append(m.Jobs, m.Jobs[0]) }},
		{"job's attempts", "jobs: extract", func(m *spec.Manifest) { m.Jobs[0].MaxAttempts = -1 }},
		{"event", "events", func(m *spec.Manifest) { m.Events = []string{"destroyed"} }},
		{"event twice", "events", func(m *spec.Manifest) { m.Events = append(m.Events, m.Events[0]) }},
		{"no file limit", "limits: maxFileBytes", func(m *spec.Manifest) { m.Limits.MaxFileBytes = 0 }},
		{"status of large files", "limits: tooLargeStatus", func(m *spec.Manifest) { m.Limits.TooLargeStatus = 200 }},
		{"unknown digest", "limits: digests", func(m *spec.Manifest) { m.Limits.Digests = []spec.Digest{9} }},
		{"digest twice", "limits: digests", func(m *spec.Manifest) { m.Limits.Digests = []spec.Digest{spec.MD5, spec.MD5} }},
		{"credentials wanted", "requestHeaders", func(m *spec.Manifest) { m.RequestHeaders = []string{"private-token"} }},
		{"proxies' headers wanted", "requestHeaders", func(m *spec.Manifest) { m.RequestHeaders = []string{"x-forwarded-for"} }},
		{"header's name", "requestHeaders", func(m *spec.Manifest) { m.RequestHeaders = []string{"a b"} }},
		{"too large", "manifest", func(m *spec.Manifest) { m.Metadata.Migrations[0].SQL = strings.Repeat("x", manifest.MaxBytes) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := good()
			c.spoil(m)
			err := manifest.Check(m)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want an error that names %q", err, c.want)
			}
		})
	}
}

func TestARouteThatIsNeverReachedIsRefused(t *testing.T) {
	t.Parallel()
	route := func(id, pattern string, headers map[string]string, levels ...spec.Level) spec.Route {
		return spec.Route{ID: id, Method: "PUT", Pattern: pattern, MatchHeaders: headers, Levels: levels, Action: spec.ActionDestroyPackage}
	}
	deprecate := map[string]string{"npm-command": "deprecate"}
	for _, c := range []struct {
		name          string
		first, second spec.Route
		refused       bool
	}{
		{"one pattern twice", route("a", "{x:name}", nil, 1), route("b", "{y:name}", nil, 1), true},
		{"at different levels", route("a", "{x:name}", nil, 1), route("b", "{y:name}", nil, 2), false},
		{"at one common level", route("a", "{x:name}", nil, 1, 2), route("b", "{y:name}", nil, 2), true},
		{"the particular first", route("a", "{x:name}", deprecate, 1), route("b", "{y:name}", nil, 1), false},
		{"the particular last", route("a", "{x:name}", nil, 1), route("b", "{y:name}", deprecate, 1), true},
		{"headers in another case", route("a", "{x:name}", deprecate, 1), route("b", "{y:name}", map[string]string{"NPM-Command": "Deprecate"}, 1), true},
		{"a literal after what fits it", route("a", "{x:name}", nil, 1), route("b", "all", nil, 1), true},
		{"a literal first", route("a", "all", nil, 1), route("b", "{x:name}", nil, 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := good()
			m.Routes = []spec.Route{c.first, c.second}
			err := manifest.Check(m)
			if refused := err != nil && strings.Contains(err.Error(), "route b"); refused != c.refused || err != nil && !refused {
				t.Errorf("%v, want refused: %v", err, c.refused)
			}
		})
	}
}
