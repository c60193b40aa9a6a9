package maven

import (
	"context"
	"crypto/md5"  //nolint:gosec // what clients compare with
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/plugins/maven/internal/metadata"
	"github.com/pakhus/pakhus/plugins/maven/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// maven-metadata.xml is made on every read from the versions that are stored and
// complete. What clients upload is not stored: two of them that deploy at once
// would overwrite each other's versions, and one that dies leaves a document that
// blocks all others. So it is right after a deletion, too, and its checksums are
// always its own.

// getMetadata answers with the document of a path.
func getMetadata(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	doc, updated, err := document(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := sdk.Text(http.StatusOK, string(doc)).
		Header("Content-Type", "application/xml").
		Header("X-Checksum-SHA1", sum("sha1", doc)).
		Header("X-Checksum-MD5", sum("md5", doc))
	if !updated.IsZero() {
		answer.Header("Last-Modified", updated.UTC().Format(http.TimeFormat))
	}
	return answer, nil
}

// metadataChecksum answers with a digest of the document as it is now.
func metadataChecksum(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	doc, _, err := document(ctx, r)
	if err != nil {
		return nil, err
	}
	return sdk.Text(http.StatusOK, sum(r.Param("algorithm"), doc)).Header("Content-Type", "text/plain"), nil
}

func sum(algorithm string, data []byte) string {
	switch algorithm {
	case "md5":
		s := md5.Sum(data) //nolint:gosec // what clients compare with
		return hex.EncodeToString(s[:])
	case "sha1":
		s := sha1.Sum(data) //nolint:gosec // likewise
		return hex.EncodeToString(s[:])
	case "sha512":
		s := sha512.Sum512(data)
		return hex.EncodeToString(s[:])
	}
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// document makes the document of a path: a snapshot's, or that of an artifact,
// or of a group, or of both. Neither client nor server can tell the last two
// apart by the path.
func document(ctx context.Context, r *sdk.Request) ([]byte, time.Time, error) {
	path := r.Param("path")
	if name, v, ok := cutSnapshot(path); ok {
		return snapshotDocument(ctx, r, name, v)
	}
	results, err := r.Batch(ctx,
		sdk.ReadCall{Query: &sdk.QueryCall{Name: "versions", Arguments: []any{path}}},
		sdk.ReadCall{Query: &sdk.QueryCall{Name: "plugins", Arguments: []any{strings.ReplaceAll(path, "/", ".")}}},
	)
	if err != nil {
		return nil, time.Time{}, err
	}
	artifact, updated := artifactOf(path, results[0].Rows)
	group, groupUpdated := groupOf(results[1].Rows)
	if artifact == nil && group == nil {
		return nil, time.Time{}, sdk.NotFound("Package")
	}
	if groupUpdated.After(updated) {
		updated = groupUpdated
	}
	doc, err := metadata.RenderArtifactGroup(artifact, group)
	return doc, updated, err
}

// cutSnapshot splits the path of a snapshot's directory.
func cutSnapshot(path string) (name, v string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 || !strings.HasSuffix(path, version.Snapshot) {
		return "", "", false
	}
	return path[:i], path[i+1:], true
}

// versionsQuery finds the versions of an artifact that are served, in all
// projects that the request is about, and when anything of them last changed.
func versionsQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "versions",
		SQL: `
			select array_agg(distinct p.version), max(p.updated_at)
			from core_api.packages p
			where p.project_id = any ($1) and p.name_key = $2 and p.status in ('default', 'hidden', 'deprecated')
			having count(*) > 0`,
		ArgumentTypes: []string{"text"},
		Result:        []sdk.QueryColumn{{Name: "versions", Type: "text[]"}, {Name: "updated_at", Type: "timestamptz"}},
	}
}

// pluginsQuery finds the plugins of a group: of each, what its version that was
// made last says.
func pluginsQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "plugins",
		SQL: `
			select distinct on (m.artifact_id) m.artifact_id, m.prefix, m.name, p.updated_at
			from plugins m
			join core_api.packages p on p.id = m.package_id
			where m.project_id = any ($1) and m.group_id = $2 and p.status in ('default', 'hidden', 'deprecated')
			order by m.artifact_id, p.id desc`,
		ArgumentTypes: []string{"text"},
		Result: []sdk.QueryColumn{
			{Name: "artifact_id", Type: "text"},
			{Name: "prefix", Type: "text"},
			{Name: "name", Type: "text"},
			{Name: "updated_at", Type: "timestamptz"},
		},
	}
}

func artifactOf(path string, rows []sdk.Row) (*metadata.Artifact, time.Time) {
	if len(rows) == 0 {
		return nil, time.Time{}
	}
	groupID, artifactID, err := layout.ParseName(path)
	if err != nil {
		return nil, time.Time{} // no package has such a name
	}
	a := &metadata.Artifact{GroupID: groupID, ArtifactID: artifactID}
	a.Versions, _ = rows[0]["versions"].([]string)
	a.LastUpdated, _ = rows[0]["updated_at"].(time.Time)
	return a, a.LastUpdated
}

func groupOf(rows []sdk.Row) (*metadata.Group, time.Time) {
	if len(rows) == 0 {
		return nil, time.Time{}
	}
	var updated time.Time
	g := &metadata.Group{}
	for _, row := range rows {
		var p metadata.GroupPlugin
		p.ArtifactID, _ = row["artifact_id"].(string)
		p.Prefix, _ = row["prefix"].(string)
		p.Name, _ = row["name"].(string)
		g.Plugins = append(g.Plugins, p)
		if at, _ := row["updated_at"].(time.Time); at.After(updated) {
			updated = at
		}
	}
	return g, updated
}
