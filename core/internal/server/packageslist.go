package server

import (
	"slices"
	"strings"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// listPackages answers with a page of the project's packages.
func (s *Server) listPackages(r *apiCall) error {
	q, err := s.packagesQuery(parametersOf(r.c.Request), packages.LimitNames([]int64{r.caller.Project.ID}, []registry.Names{r.names}))
	if err != nil {
		return err
	}
	found, extent, err := s.Packages.List(r.c.Request.Context(), r.caller.Project.ID, q)
	if err != nil {
		return err
	}
	builds, err := s.buildsOf(r, found...)
	if err != nil {
		return err
	}
	documents := make([]packageDocument, 0, len(found))
	for _, p := range found {
		document := s.packageDocument(r, p, r.standing())
		document.Pipeline = pipelineIn(builds, p.ID)
		documents = append(documents, document)
	}
	s.pageHeaders(r.c.Writer.Header(), r.c.Request, q.Page, extent, len(found))
	return r.json(documents)
}

// packagesQuery reads what is looked for; orders are what can be asked for beside the usual ones.
func (s *Server) packagesQuery(p *parameters, names packages.NameLimits, orders ...string) (packages.Query, error) {
	q := packages.Query{
		Format:      p.oneOf("package_type", s.packageTypes()...),
		Words:       strings.Fields(p.text("package_name")),
		Version:     p.text("package_version"),
		Versionless: p.boolean("include_versionless"),
		Statuses:    registry.Displayable(),
		Names:       names,
		Order:       p.order(append([]string{"created_at", "name", "version", "type"}, orders...)...),
		Page:        p.page(),
	}
	if status := p.oneOf("status", registry.Statuses()...); status != "" {
		q.Statuses = []string{status}
	}
	return q, p.err()
}

// packageTypes are GitLab's, whether there is a plugin for them or not, so that
// a client may ask for any of them; and the names of the formats that are enabled.
func (s *Server) packageTypes() []string {
	return slices.Concat([]string{
		"maven", "npm", "conan", "nuget", "pypi", "composer", "generic", "golang", "debian", "rubygems", "helm",
		"terraform_module", "rpm", "ml_model", "cargo",
	}, s.Plugins.Names())
}

func (s *Server) isPackageType(name string) bool { return slices.Contains(s.packageTypes(), name) }

// showPackage answers with one package, and with what other versions there are.
func (s *Server) showPackage(r *apiCall) error {
	ctx := r.c.Request.Context()
	p, err := s.find(r)
	if err != nil {
		return err
	}
	if !p.Status.Detailed() {
		return noPackage()
	}
	siblings, err := s.Packages.Siblings(ctx, r.caller.Project.ID, p.ID)
	if err != nil {
		return err
	}
	builds, err := s.buildsOf(r, append(siblings, p)...)
	if err != nil {
		return err
	}
	document := s.packageDocument(r, p, r.standing())
	document.Pipeline = pipelineIn(builds, p.ID)
	document.Versions = make([]versionDocument, 0, len(siblings))
	for _, v := range siblings {
		if !r.names.Include(v.Name) {
			continue // names that differ in little more than case may share their versions
		}
		document.Versions = append(document.Versions, versionDocument{v.ID, v.Version, apiTime(v.CreatedAt), tagDocuments(v.Tags), pipelineIn(builds, v.ID)})
	}
	return r.json(document)
}

// noPackage is what is said of packages that exist and are not shown: the same
// as of those that do not exist.
func noPackage() error { return registry.Errorf(registry.CodeNotFound, "Package Not Found") }
