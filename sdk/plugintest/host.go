package plugintest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakhus/pakhus/sdk/spec"
)

// pageSize is the core's default; maxRead its bound on ReadFile.
const (
	pageSize = 1000
	maxRead  = 1 << 20
)

// host answers a plugin's reads from the model.
type host struct {
	registry *Registry
	uploads  map[string]upload
	several  bool // the request is about all projects
}

var _ spec.Host = (*host)(nil)

// FindPackages implements spec.Host. A page token is the id of the last package before it.
func (h *host) FindPackages(_ context.Context, s string, f spec.Finder) (spec.FoundPage, error) {
	if s != scope {
		return spec.FoundPage{}, errors.New("unknown scope")
	}
	after, err := strconv.ParseInt(or(f.PageToken, "0"), 10, 64)
	if err != nil {
		return spec.FoundPage{}, fmt.Errorf("page token: %w", err)
	}
	limit := f.Limit
	if limit == 0 {
		limit = pageSize
	}
	var page spec.FoundPage
	for _, p := range h.registry.model.packages {
		if p.ID <= after || !p.fits(f) || !h.sees(p.ProjectID) {
			continue
		}
		if len(page.Packages) == limit {
			page.NextPageToken = strconv.FormatInt(page.Packages[limit-1].Package.ID, 10)
			break
		}
		page.Packages = append(page.Packages, h.found(p, f))
	}
	return page, nil
}

// sees reports whether the request is about a project.
func (h *host) sees(projectID any) bool {
	return h.several || equal(projectID, h.registry.model.project.ID)
}

func (p *stored) fits(f spec.Finder) bool {
	statuses := f.Statuses
	if len(statuses) == 0 {
		statuses = []string{"default", "hidden", "deprecated"}
	}
	// By the keys, as the core does.
	return (f.Name == "" || p.keys.name == f.Name) &&
		(f.Version == "" || p.keys.version == f.Version) &&
		strings.HasPrefix(p.keys.name, f.NamePrefix) &&
		slices.Contains(statuses, p.Status) &&
		(f.FileSuffix == "" || slices.ContainsFunc(p.files, func(s *storedFile) bool { return strings.HasSuffix(s.FileName, f.FileSuffix) })) &&
		(f.FileKey == "" || slices.ContainsFunc(p.files, func(s *storedFile) bool { return s.FileKey == f.FileKey })) &&
		(f.FileName == "" || slices.ContainsFunc(p.files, func(s *storedFile) bool { return s.FileName == f.FileName }))
}

// found copies what the finder asks for.
func (h *host) found(p *stored, f spec.Finder) spec.FoundPackage {
	out := spec.FoundPackage{Package: p.Package}
	ids := map[int64]bool{}
	for _, file := range p.files {
		if f.FileName != "" && file.FileName != f.FileName || f.FileKey != "" && file.FileKey != f.FileKey {
			continue
		}
		ids[file.ID] = true
		if f.WithFiles {
			out.Files = append(out.Files, file.PackageFile)
		}
	}
	if f.WithTags {
		out.Tags = slices.Clone(p.tags)
	}
	for _, selection := range f.WithRows {
		for _, row := range h.registry.model.rows[selection.Table] {
			file, ofFile := row["package_file_id"].(int64)
			if !equal(row["package_id"], p.ID) && (!ofFile || !ids[file]) {
				continue
			}
			if out.Rows == nil {
				out.Rows = map[string][]spec.Row{}
			}
			out.Rows[selection.Table] = append(out.Rows[selection.Table], columns(row, selection.Columns))
		}
	}
	return out
}

// SelectRows implements spec.Host.
func (h *host) SelectRows(_ context.Context, s string, q spec.RowSelect) ([]spec.Row, error) {
	if s != scope {
		return nil, errors.New("unknown scope")
	}
	var rows []spec.Row
	for _, row := range h.registry.model.rows[q.Table] {
		if h.sees(row["project_id"]) && rowFits(row, q.Where) {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b spec.Row) int {
		for _, by := range q.OrderBy {
			column, down := strings.CutPrefix(by, "-")
			order := compare(a[column], b[column])
			if down {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	if q.Limit > 0 && len(rows) > q.Limit {
		rows = rows[:q.Limit]
	}
	out := make([]spec.Row, 0, len(rows))
	for _, row := range rows {
		out = append(out, columns(row, q.Columns))
	}
	return out, nil
}

// RunQuery implements spec.Host.
func (h *host) RunQuery(_ context.Context, s string, q spec.QueryCall) ([]spec.Row, error) {
	if s != scope {
		return nil, errors.New("unknown scope")
	}
	declared := slices.ContainsFunc(h.registry.manifest.Metadata.Queries, func(n spec.NamedQuery) bool {
		return n.Name == q.Name && len(n.ArgumentTypes) == len(q.Arguments)
	})
	run := h.registry.model.queries[q.Name]
	if !declared || run == nil {
		return nil, fmt.Errorf("no named query %s with %d arguments in the manifest and the test's State", q.Name, len(q.Arguments))
	}
	rows, err := run(h.registry, q.Arguments)
	if q.Limit > 0 && len(rows) > q.Limit {
		rows = rows[:q.Limit]
	}
	return rows, err
}

// Batch implements spec.Host.
func (h *host) Batch(ctx context.Context, s string, calls []spec.ReadCall) ([]spec.ReadResult, error) {
	results := make([]spec.ReadResult, len(calls))
	for i, call := range calls {
		var err error
		switch {
		case call.Find != nil:
			results[i].Page, err = h.FindPackages(ctx, s, *call.Find)
		case call.Select != nil:
			results[i].Rows, err = h.SelectRows(ctx, s, *call.Select)
		case call.Query != nil:
			results[i].Rows, err = h.RunQuery(ctx, s, *call.Query)
		default:
			err = errors.New("an empty call")
		}
		if err != nil {
			return nil, fmt.Errorf("call %d: %w", i+1, err)
		}
	}
	return results, nil
}

// ReadArchive implements spec.Host.
func (h *host) ReadArchive(_ context.Context, s string, r spec.ArchiveRead) (spec.Archive, error) {
	content, err := h.content(s, r.File)
	if err != nil {
		return spec.Archive{}, err
	}
	return readArchive(content, r)
}

// ReadFile implements spec.Host.
func (h *host) ReadFile(_ context.Context, s string, f spec.FileRef, offset, length int64) ([]byte, int64, error) {
	content, err := h.content(s, f)
	if err != nil {
		return nil, 0, err
	}
	size := int64(len(content))
	if offset < 0 || length < 0 || length > maxRead {
		return nil, 0, fmt.Errorf("from %d, %d bytes: at most %d are read", offset, length, maxRead)
	}
	from := min(offset, size)
	return bytes.Clone(content[from:min(from+length, size)]), size, nil
}

func (h *host) content(s string, f spec.FileRef) ([]byte, error) {
	if s != scope {
		return nil, errors.New("unknown scope")
	}
	if u, ok := h.uploads[f.UploadHandle]; ok {
		return u.content, nil
	}
	if file := h.file(f.FileID); file != nil {
		return file.content, nil
	}
	return nil, fmt.Errorf("no upload %q and no file %d", f.UploadHandle, f.FileID)
}

// file returns a stored file that the request is about, or nil.
func (h *host) file(id int64) *storedFile {
	for _, p := range h.registry.model.packages {
		for _, f := range p.files {
			if f.ID == id && h.sees(p.ProjectID) {
				return f
			}
		}
	}
	return nil
}

// rowFits reports whether a row equals where in each of its columns.
func rowFits(row, where spec.Row) bool {
	for column, value := range where {
		if list, ok := value.([]string); ok {
			text, isText := row[column].(string)
			if !isText || !slices.Contains(list, text) {
				return false
			}
			continue
		}
		if !equal(row[column], value) {
			return false
		}
	}
	return true
}

func columns(row spec.Row, names []string) spec.Row {
	if len(names) == 0 {
		return maps.Clone(row)
	}
	out := spec.Row{}
	for _, name := range names {
		out[name] = row[name]
	}
	return out
}

func equal(a, b any) bool {
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}

// compare orders values as PostgreSQL does with "C" collation: nulls last.
func compare(a, b any) int {
	switch x := a.(type) {
	case nil:
		if b == nil {
			return 0
		}
		return 1
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	case string:
		if y, ok := b.(string); ok {
			return cmp.Compare(x, y)
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	}
	if b == nil {
		return -1
	}
	return 0
}
