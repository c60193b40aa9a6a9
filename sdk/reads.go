package sdk

import (
	"context"
	"fmt"
	"iter"
	"reflect"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Reads is what a handler may read: packages, metadata and files of the
// request's project and format.
type Reads struct {
	Packages Packages
	Meta     Metadata
	Files    Files

	host  spec.Host
	scope string
}

// Batch answers several reads in one round trip and on one snapshot of the
// database. Results come in the calls' order; a finder's result is one page.
func (r Reads) Batch(ctx context.Context, calls ...ReadCall) ([]ReadResult, error) {
	return r.host.Batch(ctx, r.scope, calls)
}

func newReads(h spec.Host, scope string, known known) Reads {
	return Reads{
		Packages: Packages{host: h, scope: scope, prefetched: known.packages},
		Meta:     Metadata{host: h, scope: scope, prefetched: known.rows},
		Files:    Files{host: h, scope: scope},
		host:     h,
		scope:    scope,
	}
}

// Packages finds packages. A finder that equals one of the route's prefetch
// finders, with its parameters filled in, is answered without asking the core.
type Packages struct {
	host       spec.Host
	scope      string
	prefetched []prefetch
}

// Find returns all packages that f selects, in the order they were created;
// none is not an error. f.Limit is the size of a page, not a bound on the result.
func (p Packages) Find(ctx context.Context, f Finder) ([]FoundPackage, error) {
	var all []FoundPackage
	for found, err := range p.Each(ctx, f) {
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// First returns the first package that f selects, or [ErrNotFound].
func (p Packages) First(ctx context.Context, f Finder) (FoundPackage, error) {
	if found, ok := p.first(f); ok {
		if len(found) == 0 {
			return FoundPackage{}, ErrNotFound
		}
		return found[0], nil
	}
	if f.Limit == 0 {
		f.Limit = 1
	}
	page, err := p.host.FindPackages(ctx, p.scope, f)
	if err != nil {
		return FoundPackage{}, err
	}
	if len(page.Packages) == 0 {
		return FoundPackage{}, ErrNotFound
	}
	return page.Packages[0], nil
}

// Each yields the packages that f selects, fetching pages as they are consumed.
// After an error it yields nothing more.
func (p Packages) Each(ctx context.Context, f Finder) iter.Seq2[FoundPackage, error] {
	return func(yield func(FoundPackage, error) bool) {
		if found, ok := p.whole(f); ok {
			for _, one := range found {
				if !yield(one, nil) {
					return
				}
			}
			return
		}
		for {
			page, err := p.host.FindPackages(ctx, p.scope, f)
			if err != nil {
				yield(FoundPackage{}, err)
				return
			}
			for _, one := range page.Packages {
				if !yield(one, nil) {
					return
				}
			}
			if page.NextPageToken == "" {
				return
			}
			f.PageToken = page.NextPageToken
		}
	}
}

// known is what the core has answered before the handler was called.
type known struct {
	packages []prefetch
	rows     []prefetchedRows
}

// prefetch is a declared finder, filled in, and the first page of its answer.
type prefetch struct {
	finder Finder
	found  []FoundPackage
	single bool // at most one package can fit, so the first page is all
}

// prefetches pairs a route's finders with the answers the request came with.
func prefetches(route *Route, r *spec.Request) []prefetch {
	if len(r.Prefetched) != len(route.Prefetch) {
		return nil // an older core: everything is asked for
	}
	all := make([]prefetch, 0, len(route.Prefetch))
	for i, f := range route.Prefetch {
		f = f.Filled(r.Params)
		all = append(all, prefetch{
			finder: f,
			found:  r.Prefetched[i],
			single: r.Project.ID != 0 && f.Name != "" && f.Version != "",
		})
	}
	return all
}

// first returns a prefetched first page.
func (p Packages) first(f Finder) ([]FoundPackage, bool) {
	for _, pre := range p.prefetched {
		if reflect.DeepEqual(pre.finder, f) {
			return pre.found, true
		}
	}
	return nil, false
}

// whole returns a prefetched answer if it is known to be complete: the request
// carries one page of it and not whether there are more.
func (p Packages) whole(f Finder) ([]FoundPackage, bool) {
	for _, pre := range p.prefetched {
		if (pre.single || len(pre.found) == 0) && reflect.DeepEqual(pre.finder, f) {
			return pre.found, true
		}
	}
	return nil, false
}

// prefetchedRows is a declared call of a named query, filled in, and its rows.
type prefetchedRows struct {
	call spec.QueryCall
	rows []Row
}

// prefetchedRowsOf pairs a route's queries with the rows the request came with.
func (p *Plugin) prefetchedRowsOf(route *Route, r *spec.Request) ([]prefetchedRows, error) {
	if len(r.PrefetchedRows) != len(route.PrefetchQueries) {
		return nil, nil // an older core: everything is asked for
	}
	all := make([]prefetchedRows, len(route.PrefetchQueries))
	for i, q := range route.PrefetchQueries {
		call, err := q.Call(p.argumentTypes(q.Name), r.Params)
		if err != nil {
			return nil, fmt.Errorf("prefetched query %s: %w", q.Name, err)
		}
		all[i] = prefetchedRows{call: call, rows: r.PrefetchedRows[i]}
	}
	return all, nil
}

func (p *Plugin) argumentTypes(query string) []string {
	for _, q := range p.Queries {
		if q.Name == query {
			return q.ArgumentTypes
		}
	}
	return nil
}

// Metadata reads the format's own tables.
type Metadata struct {
	host       spec.Host
	scope      string
	prefetched []prefetchedRows
}

// Select returns rows of one table that belong to the request's project.
func (m Metadata) Select(ctx context.Context, s RowSelect) ([]Row, error) {
	return m.host.SelectRows(ctx, m.scope, s)
}

// Query calls a named query of the plugin with the arguments after its first,
// which the core fills: the ids of the projects that the caller may read.
// Arguments are values as in [Row]. A call that equals one of the route's
// prefetch queries, with its parameters filled in, is answered without asking the core.
func (m Metadata) Query(ctx context.Context, name string, args ...any) ([]Row, error) {
	call := spec.QueryCall{Name: name, Arguments: args}
	for _, pre := range m.prefetched {
		if reflect.DeepEqual(pre.call, call) {
			return pre.rows, nil
		}
	}
	return m.host.RunQuery(ctx, m.scope, call)
}

// Files reads uploads of the request and stored files of its project.
type Files struct {
	host  spec.Host
	scope string
}

// Archive walks a zip or tar.gz in the core; only the members that a glob names
// cross. An unsafe or broken archive is no error but Archive.Refusal, a sentence
// for the client.
func (f Files) Archive(ctx context.Context, r ArchiveRead) (Archive, error) {
	return f.host.ReadArchive(ctx, f.scope, r)
}

// Read returns at most n bytes (at most 1 MiB) from offset, and the file's size.
func (f Files) Read(ctx context.Context, ref FileRef, offset, n int64) ([]byte, int64, error) {
	return f.host.ReadFile(ctx, f.scope, ref, offset, n)
}

// UploadRef names an upload of this request for Files.
func UploadRef(u Upload) FileRef { return FileRef{UploadHandle: u.Handle} }

// StoredFile names a stored file for Files.
func StoredFile(f PackageFile) FileRef { return FileRef{FileID: f.ID} }
