// Package conan is the Conan format: what Conan 1, with and without revisions,
// and Conan 2 speak, at GitLab's URLs.
package conan

import (
	"embed"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// maxFile is GitLab's conan_max_file_size.
	maxFile = 3 << 30
	// inlineFile is the size up to which a file comes with its request: manifests
	// and descriptions of packages are then looked into without asking the core.
	inlineFile = 64 << 10
	// maxBody bounds the lists that Conan 1 sends.
	maxBody = 1 << 20
)

// Plugin returns the format. Its routes are the table of contents: those of both
// protocols say nearly the same, of one recipe and of revisions of it.
func Plugin() *sdk.Plugin {
	steps, err := sdk.MigrationsFS(migrations, "migrations")
	if err != nil {
		panic(err) // embedded: it is there or the build is broken
	}
	return &sdk.Plugin{
		Format:         "conan",
		Version:        "1.0.0",
		Validators:     map[string]string{"segment": `[^/]+`, "path": `[^/]+(?:/[^/]+)*`},
		Routes:         slices.Concat(sessionRoutes(), v1Reads(), v1Writes(), v2Reads(), v2Writes()),
		Migrations:     steps,
		Queries:        []sdk.NamedQuery{stateQuery(), servedQuery(), recipeRevisionsQuery(), packageRevisionsQuery(), latestQuery(), packageLatestQuery(), filesQuery(), fileListQuery(), folderQuery(), recipesQuery(), packagesQuery()},
		Jobs:           []sdk.Job{{Kind: "expire", Timeout: time.Minute, Run: expire}},
		Limits:         sdk.FileLimits{MaxFileBytes: maxFile, Digests: []sdk.Digest{sdk.MD5, sdk.SHA1}, TooLargeStatus: 400},
		Errors:         sdk.ErrorText, // clients print the body as it is
		RequestHeaders: []string{"X-Checksum-Sha1"},
		// Metadata files are in folders, and some clients escape the slashes between.
		EscapedSlashSeparates: true,
	}
}

// The beginnings of patterns: a recipe in either protocol, one of its revisions,
// and a package of that.
const (
	recipe1  = "v1/conans/{name:segment}/{version:segment}/{user:segment}/{channel:segment}"
	recipe2  = "v2/conans/{name:segment}/{version:segment}/{user:segment}/{channel:segment}"
	revision = recipe2 + "/revisions/{revision:segment}"
	pkg1     = recipe1 + "/packages/{reference:segment}"
	pkg2     = revision + "/packages/{reference:segment}"
	prev     = pkg2 + "/revisions/{package_revision:segment}"
	// Where Conan 1 is told that files are. Revisions other than "0" are those of Conan 2.
	files1 = "v1/files/{name:segment}/{version:segment}/{user:segment}/{channel:segment}/{revision:segment}"
)

// byUser tells what a request to the whole instance is about: the user of a
// recipe is the path of its project there, with "+" for "/".
func byUser() *sdk.Convention {
	return &sdk.Convention{Value: "{user}", Names: sdk.NamesProject, Slash: "+"}
}

// sessionRoutes are about the client, at any level and of any project.
func sessionRoutes() []sdk.Route {
	everywhere := []sdk.Level{sdk.LevelProject, sdk.LevelGroup, sdk.LevelInstance}
	var routes []sdk.Route
	for _, protocol := range []string{"v1", "v2"} {
		for _, r := range []sdk.Route{
			{ID: "ping", Pattern: "/ping", Handler: ping},
			{ID: "authenticate", Pattern: "/users/authenticate", Authenticated: true, Handler: authenticate},
			{ID: "check_credentials", Pattern: "/users/check_credentials", Authenticated: true, Handler: checkCredentials},
		} {
			r.ID, r.Method, r.Pattern = r.ID+"_"+protocol, "GET", protocol+r.Pattern
			r.Levels, r.Action, r.Challenge = everywhere, sdk.ActionNone, sdk.ChallengeBasic
			routes = append(routes, r)
		}
	}
	return routes
}

// read is a route for whoever may read packages, at every level.
func read(id, pattern string, handler sdk.Handler) sdk.Route {
	return sdk.Route{
		ID: id, Method: "GET", Pattern: pattern, Handler: handler,
		Levels: []sdk.Level{sdk.LevelProject, sdk.LevelGroup, sdk.LevelInstance},
		Action: sdk.ActionReadPackage, Challenge: sdk.ChallengeBasic, Convention: byUser(),
	}
}

// remembered is a read whose answer stays right until its recipe changes.
func remembered(id, pattern string, handler sdk.Handler) sdk.Route {
	r := read(id, pattern, handler)
	r.Cache = &sdk.Cache{Keys: []string{"{name}@{user}/{channel}"}, VaryQuery: []string{"list_only"}}
	return r
}

// searched is a search for recipes: above a project it is about the project that
// its text names, or finds nothing.
func searched(id, pattern string) sdk.Route {
	r := read(id, pattern, searchRecipes)
	r.Convention = &sdk.Convention{Value: "{?q}", Pattern: `[^@]*@([^/*?]+)(?:/.*)?`, Names: sdk.NamesProject, Slash: "+", OrNothing: true}
	return r
}

// with has a named query called with the request. Its first arguments are always
// the recipe's key and version; the templates are those after them.
func with(r sdk.Route, query string, templates ...string) sdk.Route {
	r.PrefetchQueries = []sdk.PrefetchQuery{{Name: query, Arguments: append([]string{"{name}@{user}/{channel}", "{version}"}, templates...)}}
	return r
}

// document is a route whose answer a query makes, where there is one.
func document(r sdk.Route, query string, templates ...string) sdk.Route {
	r = with(r, query, templates...)
	r.DirectRow = &sdk.DirectRow{ContentType: "application/json"}
	return r
}

// Where the files of a recipe's revision are, and those of a package's; and what
// comes after all keys in there: see keysIn.
const (
	recipeFolder    = "{revision}/export/"
	recipeFolderEnd = "{revision}/export0"
	pkgFolder       = "{revision}/package/{reference}/{package_revision}/"
	pkgFolderEnd    = "{revision}/package/{reference}/{package_revision}0"
)

// stored is a route that sends a file, which the core finds by its key.
func stored(id, pattern, key string, handler sdk.Handler) sdk.Route {
	r := remembered(id, pattern, handler)
	r.Prefetch = []sdk.Finder{{Name: "{name}@{user}/{channel}", Version: "{version}", FileKey: key, WithFiles: true}}
	r.DirectFile = &sdk.DirectFile{ContentType: "application/octet-stream"}
	return r
}

func v1Reads() []sdk.Route {
	return []sdk.Route{
		searched("search_v1", "v1/conans/search"),
		remembered("snapshot_v1", recipe1, snapshot),
		remembered("digest_v1", recipe1+"/digest", digest),
		remembered("download_urls_v1", recipe1+"/download_urls", downloadURLs),
		remembered("search_packages_v1", recipe1+"/search", searchPackages),
		remembered("package_snapshot_v1", pkg1, snapshot),
		remembered("package_digest_v1", pkg1+"/digest", digest),
		remembered("package_download_urls_v1", pkg1+"/download_urls", downloadURLs),
		stored("recipe_file_v1", files1+"/export/{path:segment}", recipeFolder+"{path}", getFile),
		stored("package_file_v1", files1+"/package/{reference:segment}/{package_revision:segment}/{path:segment}",
			pkgFolder+"{path}", getFile),
	}
}

func v2Reads() []sdk.Route {
	return []sdk.Route{
		searched("search_v2", "v2/conans/search"),
		document(remembered("latest", recipe2+"/latest", latest), "latest"),
		with(remembered("revisions", recipe2+"/revisions", revisions), "recipe_revisions", strconv.Itoa(maxRevisions)),
		remembered("search_packages_latest", recipe2+"/search", searchPackages),
		remembered("search_packages", revision+"/search", searchPackages),
		document(remembered("files", revision+"/files", files), "file_list", "{revision}", "", "", recipeFolder, recipeFolderEnd),
		stored("recipe_file", revision+"/files/{path:path}", recipeFolder+"{path}", getFile),
		document(remembered("package_latest", pkg2+"/latest", latest), "package_latest", "{revision}", "{reference}"),
		with(remembered("package_revisions", pkg2+"/revisions", revisions), "package_revisions", "{revision}", "{reference}", strconv.Itoa(maxRevisions)),
		document(remembered("package_files", prev+"/files", files), "file_list", "{revision}", "{reference}", "{package_revision}", pkgFolder, pkgFolderEnd),
		stored("package_file", prev+"/files/{path:path}", pkgFolder+"{path}", getFile),
	}
}

// puts are the two routes that take a file. A client first asks, with an empty
// body, whether the registry has the bytes already, wherever they are: to know
// the digest of a file would be to be allowed to read it.
func puts(id, pattern string) []sdk.Route {
	put := with(change("PUT", id, pattern, sdk.ActionCreatePackage, putFile), "state", "{revision}", "", "", recipeFolder, recipeFolder+"{path}")
	if strings.Contains(pattern, "{package_revision:") {
		put = with(put, "state", "{revision}", "{reference}", "{package_revision}", pkgFolder, pkgFolder+"{path}")
	}
	put.Body, put.Timeout, put.PackageName = sdk.RawFileInline(inlineFile), 5*time.Minute, "{name}"
	ask := change("PUT", id+"_by_digest", pattern, sdk.ActionCreatePackage, notByDigest)
	ask.MatchHeaders = map[string]string{"X-Checksum-Deploy": "true"}
	return []sdk.Route{ask, put}
}

// change is a route that changes a project, named by its number or by the
// recipe's user.
func change(method, id, pattern string, action sdk.Action, handler sdk.Handler) sdk.Route {
	r := read(id, pattern, handler)
	r.Method, r.Action, r.Levels = method, action, []sdk.Level{sdk.LevelProject, sdk.LevelInstance}
	return r
}

func post(id, pattern string, action sdk.Action, handler sdk.Handler) sdk.Route {
	r := change("POST", id, pattern, action, handler)
	r.Body = sdk.Inline(maxBody)
	return r
}

func v1Writes() []sdk.Route {
	return slices.Concat(
		puts("put_recipe_file_v1", files1+"/export/{path:segment}"),
		puts("put_package_file_v1", files1+"/package/{reference:segment}/{package_revision:segment}/{path:segment}"),
		[]sdk.Route{
			post("upload_urls_v1", recipe1+"/upload_urls", sdk.ActionCreatePackage, uploadURLs),
			post("package_upload_urls_v1", pkg1+"/upload_urls", sdk.ActionCreatePackage, uploadURLs),
			post("remove_files_v1", recipe1+"/remove_files", sdk.ActionDestroyPackage, removeFiles),
			post("remove_packages_v1", recipe1+"/packages/delete", sdk.ActionDestroyPackage, removePackages),
			change("DELETE", "remove_v1", recipe1, sdk.ActionDestroyPackage, removeRecipe),
		},
	)
}

func v2Writes() []sdk.Route {
	return slices.Concat(
		puts("put_recipe_file", revision+"/files/{path:path}"),
		puts("put_package_file", prev+"/files/{path:path}"),
		[]sdk.Route{
			change("DELETE", "remove", recipe2, sdk.ActionDestroyPackage, removeRecipe),
			change("DELETE", "remove_revision", revision, sdk.ActionDestroyPackage, removeRevision),
			change("DELETE", "remove_packages", revision+"/packages", sdk.ActionDestroyPackage, removeAllPackages),
			change("DELETE", "remove_package", pkg2, sdk.ActionDestroyPackage, removePackage),
			change("DELETE", "remove_package_revision", prev, sdk.ActionDestroyPackage, removePackageRevision),
		},
	)
}
