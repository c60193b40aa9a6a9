// Package npm is the npm package format: what npm, pnpm and yarn speak, at
// GitLab's URLs.
package npm

import (
	"embed"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Limits of the format.
const (
	maxTarball  = 500 << 20 // GitLab's npm_max_file_size
	maxDocument = 8 << 20   // a publish without its tarball; a whole packument when deprecating
)

const (
	fullType        = "application/json"
	abbreviatedType = "application/vnd.npm.install-v1+json"
)

// Plugin returns the format. Its routes are the table of contents.
func Plugin() *sdk.Plugin {
	steps, err := sdk.MigrationsFS(migrations, "migrations")
	if err != nil {
		panic(err) // embedded: it is there or the build is broken
	}
	return &sdk.Plugin{
		Format:                "npm",
		Version:               "1.0.0",
		Validators:            validators(),
		Routes:                append(append(registryRoutes(), packageRoutes()...), documentRoutes()...),
		Migrations:            steps,
		Queries:               []sdk.NamedQuery{searchQuery(), lastTagsQuery()},
		Limits:                sdk.FileLimits{MaxFileBytes: maxTarball, Digests: []sdk.Digest{sdk.SHA1, sdk.SHA512}, TooLargeStatus: 400},
		Errors:                sdk.ErrorMessageAndError,
		RequestHeaders:        []string{"Npm-Command"},
		EscapedSlashSeparates: true,
	}
}

// registryRoutes are those about the registry itself. "-" is no package's name,
// so they come first.
func registryRoutes() []sdk.Route {
	login := &sdk.BodyCredentials{UsernameField: "name", PasswordField: "password"}
	shared := []sdk.Level{sdk.LevelProject, sdk.LevelGroup}
	instance := []sdk.Level{sdk.LevelInstance}
	return []sdk.Route{
		{ID: "ping", Method: "GET", Pattern: "-/ping", Levels: everywhere(), Action: sdk.ActionNone, Handler: ping},
		{ID: "whoami", Method: "GET", Pattern: "-/whoami", Levels: everywhere(), Action: sdk.ActionNone, Authenticated: true, Handler: whoami},
		{ID: "search", Method: "GET", Pattern: "-/v1/search", Levels: shared, Action: sdk.ActionReadPackage, Handler: search},
		{ID: "login_user", Method: "PUT", Pattern: "-/user/org.couchdb.user:{user:user}", Levels: everywhere(), Action: sdk.ActionNone, Body: sdk.Inline(64 << 10), BodyCredentials: login, Handler: loginUser},
		{ID: "login_web", Method: "POST", Pattern: "-/v1/login", Levels: everywhere(), Action: sdk.ActionNone, Body: sdk.Inline(64 << 10), Handler: loginWeb},
		{ID: "login_done", Method: "GET", Pattern: "-/v1/done/{id:login}", Levels: everywhere(), Action: sdk.ActionNone, Handler: loginDone},
		{ID: "audit_bulk", Method: "POST", Pattern: "-/npm/v1/security/advisories/bulk", Levels: shared, Action: sdk.ActionReadPackage, Authenticated: true, Body: sdk.Inline(maxDocument), Handler: auditBulk},
		{ID: "audit_quick", Method: "POST", Pattern: "-/npm/v1/security/audits/quick", Levels: shared, Action: sdk.ActionReadPackage, Authenticated: true, Body: sdk.Inline(maxDocument), Handler: auditQuick},
		// About the packages of no one place, and so of nobody's.
		{ID: "audit_bulk_instance", Method: "POST", Pattern: "-/npm/v1/security/advisories/bulk", Levels: instance, Action: sdk.ActionNone, Authenticated: true, Body: sdk.Inline(maxDocument), Handler: auditBulk},
		{ID: "audit_quick_instance", Method: "POST", Pattern: "-/npm/v1/security/audits/quick", Levels: instance, Action: sdk.ActionNone, Authenticated: true, Body: sdk.Inline(maxDocument), Handler: auditQuick},
		{ID: "attestations", Method: "GET", Pattern: "-/npm/v1/attestations/{name:name}@{version:version}", Levels: everywhere(), Convention: byScope(), Action: sdk.ActionReadPackage, Handler: attestations},
	}
}

// packageRoutes are those with "-" after the name, or before it.
func packageRoutes() []sdk.Route {
	byName := []string{"{name}"}
	tarballFinder := sdk.Finder{Name: "{name}", FileName: "{file}", WithFiles: true, Limit: 1}
	return []sdk.Route{
		{ID: "visibility", Method: "GET", Pattern: "-/package/{name:name}/visibility", Action: sdk.ActionReadPackage, Handler: visibility},
		{ID: "tags", Method: "GET", Pattern: "-/package/{name:name}/dist-tags", Levels: everywhere(), Convention: byScope(), Action: sdk.ActionReadPackage, Cache: &sdk.Cache{Keys: byName}, Handler: listTags},
		{ID: "set_tag", Method: "PUT", Pattern: "-/package/{name:name}/dist-tags/{tag:tag}", Levels: everywhere(), Convention: byScope(), Action: sdk.ActionCreatePackage, Body: sdk.Inline(64 << 10), Handler: setTag},
		{ID: "remove_tag", Method: "DELETE", Pattern: "-/package/{name:name}/dist-tags/{tag:tag}", Levels: everywhere(), Convention: byScope(), Action: sdk.ActionDestroyPackage, Handler: removeTag},
		{ID: "unpublish", Method: "DELETE", Pattern: "{name:name}/-rev/{rev:rev}", Action: sdk.ActionDestroyPackage, Handler: unpublish},
		{ID: "unpublish_versions", Method: "PUT", Pattern: "{name:name}/-rev/{rev:rev}", Action: sdk.ActionDestroyPackage, Body: sdk.Inline(maxDocument), Handler: unpublishVersions},
		{ID: "unpublish_tarball", Method: "DELETE", Pattern: "{name:name}/-/{file:file}/-rev/{rev:rev}", Action: sdk.ActionDestroyPackage, Handler: unpublishTarball},
		// npm appends the tarball's whole path to the registry's URL, path and all.
		{ID: "unpublish_tarball_npm", Method: "DELETE", Pattern: "api/v4/projects/{project:number}/packages/npm/{name:name}/-/{file:file}/-rev/{rev:rev}", Action: sdk.ActionDestroyPackage, Handler: unpublishTarball},
		{
			ID: "tarball", Method: "GET", Pattern: "{name:name}/-/{file:file}", Action: sdk.ActionReadPackage, AnonymousDenial: sdk.DenyNotFound,
			Cache: &sdk.Cache{Keys: byName}, Prefetch: []sdk.Finder{tarballFinder}, Handler: tarball,
		},
		{
			// Documents name URLs below the registry that was asked: npm 12 fetches no
			// tarball from elsewhere. (GitLab's name the project's.)
			ID: "tarball_above", Method: "GET", Pattern: "{name:name}/-/{file:file}", Levels: everywhere()[1:], Convention: byScope(),
			Action: sdk.ActionReadPackage, Cache: &sdk.Cache{Keys: byName}, Handler: tarball,
		},
		// npm takes a 404 for an unpublish that worked.
		{ID: "unpublish_above", Method: "DELETE", Pattern: "{name:name}/-rev/{rev:rev}", Levels: everywhere()[1:], Action: sdk.ActionNone, Authenticated: true, Handler: unpublishAbove},
		{ID: "unpublish_versions_above", Method: "PUT", Pattern: "{name:name}/-rev/{rev:rev}", Levels: everywhere()[1:], Action: sdk.ActionNone, Authenticated: true, Handler: unpublishAbove},
		{ID: "unpublish_tarball_above", Method: "DELETE", Pattern: "{name:name}/-/{file:file}/-rev/{rev:rev}", Levels: everywhere()[1:], Action: sdk.ActionNone, Authenticated: true, Handler: unpublishAbove},
	}
}

// documentRoutes are those of the package's own document.
func documentRoutes() []sdk.Route {
	byName := []string{"{name}"}
	return []sdk.Route{
		{
			ID: "deprecate", Method: "PUT", Pattern: "{name:name}", MatchHeaders: map[string]string{"Npm-Command": "deprecate"},
			Action: sdk.ActionDestroyPackage, PackageName: "{name}", Body: sdk.Inline(maxDocument), Handler: deprecate,
		},
		{
			ID: "publish", Method: "PUT", Pattern: "{name:name}", Action: sdk.ActionCreatePackage, PackageName: "{name}",
			// Reading through a tarball of the largest size takes its time.
			Body: publishBody(), Timeout: 5 * time.Minute, Handler: publish,
		},
		{
			ID: "packument", Method: "GET", Pattern: "{name:name}", Levels: everywhere(), Convention: byScope(), Action: sdk.ActionReadPackage, Produces: []string{fullType, abbreviatedType},
			Cache: &sdk.Cache{Keys: byName}, Timeout: time.Minute, Handler: packument,
		},
		{
			ID: "version", Method: "GET", Pattern: "{name:name}/{version:version_or_tag}", Levels: everywhere(), Convention: byScope(), Action: sdk.ActionReadPackage,
			Cache: &sdk.Cache{Keys: byName}, Handler: version,
		},
	}
}

func publishBody() sdk.BodyPolicy {
	return sdk.JSONAttachments(maxDocument,
		sdk.Attachment{Path: []string{"_attachments", "*.tgz", "data"}, Encoding: sdk.EncodingBase64},
		// A provenance bundle is JSON in a JSON string.
		sdk.Attachment{Path: []string{"_attachments", "*.sigstore", "data"}, Encoding: sdk.EncodingText},
	)
}
