// Package maven is the Maven repository format: what mvn, Gradle, sbt and Ivy
// speak, at GitLab's URLs.
package maven

import (
	"embed"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Limits of the format.
const (
	maxFile     = 3 << 30 // GitLab's maven_max_file_size
	maxMetadata = 8 << 20 // a maven-metadata.xml that a client sends
	maxChecksum = 4 << 10
	// inlineFile is the size up to which a file comes with its request: it is then
	// looked into without asking the core.
	inlineFile = 64 << 10
)

// Plugin returns the format. Its routes are the table of contents: a repository
// is a tree of files, group/artifact/version/file, with documents about versions
// between them and checksums beside everything.
func Plugin() *sdk.Plugin {
	steps, err := sdk.MigrationsFS(migrations, "migrations")
	if err != nil {
		panic(err) // embedded: it is there or the build is broken
	}
	return &sdk.Plugin{
		Format:     "maven",
		Version:    "1.0.0",
		Validators: validators(),
		Routes:     append(readRoutes(), writeRoutes()...),
		Migrations: steps,
		Queries:    []sdk.NamedQuery{versionsQuery(), pluginsQuery()},
		Jobs: []sdk.Job{
			{Kind: "expire", Timeout: time.Minute, Run: expire},
			{Kind: "purge_snapshots", Timeout: time.Minute, Run: purgeSnapshots},
		},
		Limits: sdk.FileLimits{MaxFileBytes: maxFile, Digests: []sdk.Digest{sdk.MD5, sdk.SHA1, sdk.SHA512}, TooLargeStatus: 400},
		Errors: sdk.ErrorProblem, // newer Maven prints its "detail"; older the status line
	}
}

func readRoutes() []sdk.Route {
	stored := []sdk.Finder{{Name: "{name}", Version: "{version}", FileName: "{file}", WithFiles: true}}
	// The project that a file or an artifact's document is in has the path of the artifact.
	byArtifact := &sdk.Convention{Value: "{name}", Names: sdk.NamesProject}
	byPath := &sdk.Convention{Value: "{path}", Pattern: `(.+?)(?:/[^/]*-SNAPSHOT)?`, Names: sdk.NamesProject}
	read := func(r sdk.Route) sdk.Route {
		r.Method, r.Action, r.Challenge = "GET", sdk.ActionReadPackage, sdk.ChallengeBasic
		r.Levels = []sdk.Level{sdk.LevelProject, sdk.LevelGroup, sdk.LevelInstance}
		return r
	}
	return []sdk.Route{
		read(sdk.Route{ID: "metadata_checksum", Pattern: "{path:path}/maven-metadata.xml.{algorithm:algorithm}", Convention: byPath, Handler: metadataChecksum}),
		read(sdk.Route{ID: "metadata", Pattern: "{path:path}/maven-metadata.xml", Convention: byPath, Handler: getMetadata}),
		read(sdk.Route{
			ID: "checksum", Pattern: "{name:path}/{version:segment}/{file:segment}.{algorithm:algorithm}", Convention: byArtifact,
			Cache: &sdk.Cache{Keys: []string{"{name}"}}, Prefetch: stored, Handler: checksum,
		}),
		read(sdk.Route{
			ID: "file", Pattern: "{name:path}/{version:segment}/{file:segment}", Convention: byArtifact,
			Cache: &sdk.Cache{Keys: []string{"{name}"}}, Prefetch: stored, Handler: getFile,
			DirectFile: &sdk.DirectFile{
				ContentType: "application/octet-stream",
				Header:      map[string]string{"X-Checksum-SHA1": "{sha1}", "X-Checksum-MD5": "{md5}"},
			},
		}),
	}
}

func writeRoutes() []sdk.Route {
	write := func(r sdk.Route) sdk.Route {
		r.Method, r.Action, r.Challenge = "PUT", sdk.ActionCreatePackage, sdk.ChallengeBasic
		return r
	}
	return []sdk.Route{
		write(sdk.Route{ID: "put_metadata_checksum", Pattern: "{path:path}/maven-metadata.xml.{algorithm:algorithm}", Body: sdk.Inline(maxChecksum), Handler: putMetadataChecksum}),
		write(sdk.Route{ID: "put_metadata", Pattern: "{path:path}/maven-metadata.xml", Body: sdk.Inline(maxMetadata), Handler: putMetadata}),
		write(sdk.Route{
			ID: "put_checksum", Pattern: "{name:path}/{version:segment}/{file:segment}.{algorithm:algorithm}", Body: sdk.Inline(maxChecksum),
			Prefetch: []sdk.Finder{fileFinder("{name}", "{version}", "{file}")}, Handler: putChecksum,
		}),
		write(sdk.Route{
			ID: "put_file", Pattern: "{name:path}/{version:segment}/{file:segment}", PackageName: "{name}", Body: sdk.RawFileInline(inlineFile),
			Prefetch: []sdk.Finder{versionFinder("{name}", "{version}")},
			// Looking through a jar of the largest size takes its time.
			Timeout: 5 * time.Minute, Handler: putFile,
		}),
	}
}

// validators are what could be a parameter. They let through what package layout
// refuses with a sentence.
func validators() map[string]string {
	return map[string]string{
		"path":      `[^/]+(?:/[^/]+)*`,
		"segment":   `[^/]+`,
		"algorithm": `md5|sha1|sha256|sha512`,
	}
}
