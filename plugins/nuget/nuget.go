// Package nuget is the NuGet format: what nuget, dotnet, PowerShell and
// Chocolatey speak, at GitLab's URLs.
package nuget

import (
	"embed"
	"slices"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

//go:embed migrations/*.sql
var migrations embed.FS

// maxPackage is GitLab's nuget_max_file_size.
const maxPackage = 500 << 20

// Plugin returns the format. Its routes are the table of contents.
func Plugin() *sdk.Plugin {
	steps, err := sdk.MigrationsFS(migrations, "migrations")
	if err != nil {
		panic(err) // embedded: it is there or the build is broken
	}
	return &sdk.Plugin{
		Format:         "nuget",
		Version:        "1.0.0",
		Validators:     validators(),
		Routes:         slices.Concat(indexRoutes(), packageRoutes(), searchRoutes(), v2Routes(), writeRoutes()),
		Migrations:     steps,
		Queries:        []sdk.NamedQuery{knownQuery(), idsQuery(), listedQuery(), manifestsQuery()},
		Jobs:           []sdk.Job{{Kind: "index_symbols", Timeout: 5 * time.Minute, Run: indexSymbols}},
		Limits:         sdk.FileLimits{MaxFileBytes: maxPackage, Digests: []sdk.Digest{sdk.SHA512}, TooLargeStatus: 400},
		Errors:         sdk.ErrorMessage,
		ErrorHeader:    "X-NuGet-Warning", // the one text of a refusal that clients print
		RequestHeaders: []string{"SymbolChecksum", "If-Unmodified-Since"},
	}
}

// read is a route for whoever may read packages, in a project and in a group.
// Without credentials it asks for them: clients send none before.
func read(r sdk.Route) sdk.Route {
	r.Method, r.Action, r.Challenge = "GET", sdk.ActionReadPackage, sdk.ChallengeBasic
	r.Levels = []sdk.Level{sdk.LevelProject, sdk.LevelGroup}
	return r
}

// indexRoutes are about the source itself. GitLab answers them to anybody who
// knows the project's number; here they follow its visibility, or the number
// would tell whether a private project exists.
func indexRoutes() []sdk.Route {
	return []sdk.Route{
		read(sdk.Route{ID: "index", Pattern: "index.json", Handler: index}),
		read(sdk.Route{ID: "vulnerabilities", Pattern: "vulnerabilities/index.json", Handler: vulnerabilities}),
		read(sdk.Route{ID: "vulnerabilities_page", Pattern: "vulnerabilities/none.json", Handler: vulnerabilitiesPage}),
		read(sdk.Route{ID: "signatures", Pattern: "repository-signatures/index.json", Handler: signatures}),
		read(sdk.Route{ID: "symbol", Pattern: "symbolfiles/{file:segment}/{signature:segment}/{same:segment}", Handler: symbolFile}),
	}
}

// packageRoutes are about one package. Ids have no case; clients send them in
// lower case, and such answers are remembered under the package's key.
func packageRoutes() []sdk.Route {
	var routes []sdk.Route
	for _, r := range []sdk.Route{
		{ID: "registration", Pattern: "metadata/{id}/index.json", Handler: registration(everything())},
		{ID: "registration_page", Pattern: "metadata/{id}/page/{lower:segment}/{upper:segment}.json", Handler: registrationPage(everything())},
		{ID: "registration_leaf", Pattern: "metadata/{id}/{version:segment}.json", Handler: registrationLeaf(everything())},
		{ID: "registration_old", Pattern: "metadata-semver1/{id}/index.json", Handler: registration(semVer1())},
		{ID: "registration_old_page", Pattern: "metadata-semver1/{id}/page/{lower:segment}/{upper:segment}.json", Handler: registrationPage(semVer1())},
		{ID: "registration_old_leaf", Pattern: "metadata-semver1/{id}/{version:segment}.json", Handler: registrationLeaf(semVer1())},
		{ID: "versions", Pattern: "download/{id}/index.json", Handler: versions},
		{ID: "readme", Pattern: "download/{id}/{version:segment}/readme", Handler: content(readmeOf())},
		{ID: "license", Pattern: "download/{id}/{version:segment}/license", Handler: content(licenseOf())},
		{ID: "icon", Pattern: "download/{id}/{version:segment}/icon", Handler: content(iconOf())},
		{ID: "download", Pattern: "download/{id}/{version:segment}/{file:segment}", Handler: download},
	} {
		r.Timeout = time.Minute
		lower, any := r, r
		lower.Pattern, lower.Cache = withID(r.Pattern, "lower_id"), &sdk.Cache{Keys: []string{"{id}"}}
		any.ID, any.Pattern = r.ID+"_any_case", withID(r.Pattern, "segment")
		routes = append(routes, read(lower), read(any))
	}
	return routes
}

func searchRoutes() []sdk.Route {
	return []sdk.Route{
		read(sdk.Route{ID: "search", Pattern: "query", Handler: search}),
		read(sdk.Route{ID: "autocomplete", Pattern: "autocomplete", Handler: autocomplete}),
	}
}

// v2Routes are those of the older protocol, which PowerShell and Chocolatey speak.
func v2Routes() []sdk.Route {
	return []sdk.Route{
		read(sdk.Route{ID: "v2", Pattern: "v2", Handler: v2Service}),
		read(sdk.Route{ID: "v2_slash", Pattern: "v2/", Handler: v2Service}),
		read(sdk.Route{ID: "v2_metadata", Pattern: "v2/$metadata", Handler: v2Metadata}),
		read(sdk.Route{ID: "v2_package", Pattern: "v2/package/{id:segment}/{version:segment}", Handler: v2Download}),
		read(sdk.Route{ID: "v2_query", Pattern: "v2/{query:query}", Timeout: time.Minute, Handler: v2Query}),
	}
}

// writeRoutes. Clients put a slash behind the address to push to, and some do not.
func writeRoutes() []sdk.Route {
	// Looking through a package of the largest size takes its time.
	push := sdk.Route{Method: "PUT", Action: sdk.ActionCreatePackage, Challenge: sdk.ChallengeBasic, Body: sdk.Multipart(), Timeout: 5 * time.Minute, Handler: pushPackage}
	at := func(id, pattern string, r sdk.Route) sdk.Route { r.ID, r.Pattern = id, pattern; return r }
	symbols := push
	symbols.Handler = pushSymbols
	one := sdk.Route{Action: sdk.ActionDestroyPackage, Challenge: sdk.ChallengeBasic}
	remove, relist := one, one
	remove.Method, remove.Handler = "DELETE", removePackage
	relist.Method, relist.Handler = "POST", relistPackage
	return []sdk.Route{
		at("push", "", push),
		at("push_v2", "v2", push),
		at("push_v2_slash", "v2/", push),
		at("push_v2_package", "v2/package", push),
		at("push_v2_package_slash", "v2/package/", push),
		at("push_symbols", "symbolpackage", symbols),
		at("push_symbols_slash", "symbolpackage/", symbols),
		at("delete", "{id:segment}/{version:segment}", remove),
		at("delete_v2", "v2/{id:segment}/{version:segment}", remove),
		at("delete_v2_package", "v2/package/{id:segment}/{version:segment}", remove),
		at("relist", "{id:segment}/{version:segment}", relist),
	}
}

// validators are what could be a parameter. They let through what the checks
// refuse with a sentence.
func validators() map[string]string {
	return map[string]string{
		"segment":  `[^/]+`,
		"lower_id": `[a-z0-9._+\-]+`,
		"query":    `[^/]+(?:/\$count)?`,
	}
}
