package server

import (
	"slices"

	"github.com/pakhus/pakhus/core/internal/cache"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// listPackageFiles answers with a page of a package's files.
func (s *Server) listPackageFiles(r *apiCall) error {
	parameters := parametersOf(r.c.Request)
	order, page := parameters.order("id", "created_at", "file_name"), parameters.page()
	if err := parameters.err(); err != nil {
		return err
	}
	ctx := r.c.Request.Context()
	p, err := s.find(r)
	if err != nil {
		return err
	}
	if !slices.Contains(registry.Displayable(), string(p.Status)) {
		return noPackage()
	}
	found, extent, err := s.Packages.Files(ctx, r.caller.Project.ID, p.ID, order, page)
	if err != nil {
		return err
	}
	ids := make([]int64, len(found))
	for i, f := range found {
		ids[i] = f.ID
	}
	builds, err := s.Packages.FileBuilds(ctx, ids)
	if err != nil {
		return err
	}
	documents := make([]fileDocument, 0, len(found))
	for _, f := range found {
		documents = append(documents, newFileDocument(f, builds[f.ID]))
	}
	s.pageHeaders(r.c.Writer.Header(), r.c.Request, page, extent, len(found))
	return r.json(documents)
}

// downloadPackageFile sends the bytes of a file, which counts as a download of
// its package, as if a package client had asked.
func (s *Server) downloadPackageFile(r *apiCall) error {
	ctx := r.c.Request.Context()
	p, err := s.find(r)
	if err != nil {
		return err
	}
	if !p.Status.Detailed() {
		return noPackage()
	}
	f, err := s.Packages.FileOf(ctx, r.caller.Project.ID, p.ID, r.fileID)
	if err != nil {
		return err
	}
	privately(r.c.Writer.Header())
	return s.sendBlob(&call{c: r.c}, cache.File{PackageID: p.ID, Name: f.Name, Size: f.Size, SHA256: [32]byte(f.SHA256)})
}
