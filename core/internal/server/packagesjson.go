package server

import (
	"encoding/hex"
	"time"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// packageDocument is a package in GitLab's JSON.
type packageDocument struct {
	ID               int64                  `json:"id"`
	Name             string                 `json:"name"`
	Version          *string                `json:"version"`
	PackageType      string                 `json:"package_type"`
	Status           registry.PackageStatus `json:"status"`
	Links            linksDocument          `json:"_links"`
	CreatedAt        apiTime                `json:"created_at"`
	LastDownloadedAt *apiTime               `json:"last_downloaded_at"`
	CreatorID        *int64                 `json:"creator_id"`
	ProjectID        int64                  `json:"project_id,omitzero"`   // of a group's list
	ProjectPath      string                 `json:"project_path,omitzero"` // likewise
	Tags             []tagDocument          `json:"tags"`
	Pipeline         *pipelineDocument      `json:"pipeline,omitzero"` // the last one
	Pipelines        []struct{}             `json:"pipelines"`         // GitLab too has this empty
	Versions         []versionDocument      `json:"versions,omitzero"`
}

type linksDocument struct {
	DeleteAPIPath string `json:"delete_api_path,omitzero"`
}

type tagDocument struct {
	ID        int64   `json:"id"`
	PackageID int64   `json:"package_id"`
	Name      string  `json:"name"`
	UpdatedAt apiTime `json:"updated_at"`
}

type versionDocument struct {
	ID        int64             `json:"id"`
	Version   string            `json:"version"`
	CreatedAt apiTime           `json:"created_at"`
	Tags      []tagDocument     `json:"tags"`
	Pipeline  *pipelineDocument `json:"pipeline,omitzero"`
}

// fileDocument is a file of a package in GitLab's JSON.
type fileDocument struct {
	ID        int64              `json:"id"`
	PackageID int64              `json:"package_id"`
	CreatedAt apiTime            `json:"created_at"`
	FileName  string             `json:"file_name"`
	Size      int64              `json:"size"`
	MD5       *string            `json:"file_md5"`
	SHA1      *string            `json:"file_sha1"`
	SHA256    *string            `json:"file_sha256"`
	Pipelines []pipelineDocument `json:"pipelines"`
}

// apiTime is a time as GitLab writes it: UTC, with milliseconds.
type apiTime time.Time

// MarshalText implements encoding.TextMarshaler.
func (t apiTime) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// packageDocument is a package of a project as this caller sees it: only those who
// may destroy it are told where.
func (s *Server) packageDocument(r *apiCall, p packages.Package, in registry.Standing) packageDocument {
	document := packageDocument{
		ID: p.ID, Name: p.Name, PackageType: p.Format, Status: p.Status, CreatedAt: apiTime(p.CreatedAt),
		LastDownloadedAt: (*apiTime)(p.LastDownloadedAt), Tags: tagDocuments(p.Tags),
	}
	if p.Version != "" {
		document.Version = &p.Version
	}
	if p.CreatorID != 0 {
		document.CreatorID = &p.CreatorID
	}
	if authz.Decide(r.caller.Actor, &in.Project, in.Level, spec.ActionDestroyPackage) == authz.Allowed &&
		authz.Names(r.caller.Actor, &in.Project, in.Level, registry.VerbDelete).Include(p.Name) {
		document.Links.DeleteAPIPath = s.origin(r.c.Request) + "/api/v4/projects/" + formatID(in.Project.ID) + "/packages/" + formatID(p.ID)
	}
	return document
}

func tagDocuments(tags []packages.Tag) []tagDocument {
	documents := make([]tagDocument, 0, len(tags))
	for _, t := range tags {
		documents = append(documents, tagDocument{t.ID, t.PackageID, t.Name, apiTime(t.UpdatedAt)})
	}
	return documents
}

func newFileDocument(f packages.StoredFile, builds []packages.Build) fileDocument {
	pipelines := make([]pipelineDocument, 0, len(builds))
	for _, b := range builds {
		pipelines = append(pipelines, pipelineOf(b))
	}
	return fileDocument{
		Pipelines: pipelines,
		ID:        f.ID, PackageID: f.PackageID, CreatedAt: apiTime(f.CreatedAt), FileName: f.Name, Size: f.Size,
		MD5: hexOrNull(f.MD5), SHA1: hexOrNull(f.SHA1), SHA256: hexOrNull(f.SHA256),
	}
}

// hexOrNull is a digest in hex; null if it is not kept.
func hexOrNull(digest []byte) *string {
	if digest == nil {
		return nil
	}
	text := hex.EncodeToString(digest)
	return &text
}
