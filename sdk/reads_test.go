package sdk_test

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"testing"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/spec"
)

// pages is the core's side of the seam: it answers finders from pages and counts them.
type pages struct {
	spec.Host

	asked []sdk.Finder
	pages [][]sdk.FoundPackage
	fail  int // the page that fails; 0: none
}

func (p *pages) FindPackages(_ context.Context, _ string, f sdk.Finder) (spec.FoundPage, error) {
	p.asked = append(p.asked, f)
	n := 0
	if f.PageToken != "" {
		n, _ = strconv.Atoi(f.PageToken)
	}
	if p.fail > 0 && n+1 == p.fail {
		return spec.FoundPage{}, errors.New("the socket is gone")
	}
	page := spec.FoundPage{}
	if n < len(p.pages) {
		page.Packages = p.pages[n]
	}
	if n+1 < len(p.pages) {
		page.NextPageToken = strconv.Itoa(n + 1)
	}
	return page, nil
}

func TestAPrefetchedQueryIsNotAskedFor(t *testing.T) {
	t.Parallel()
	host := &queried{}
	plugin := &sdk.Plugin{
		Queries: []sdk.NamedQuery{{Name: "latest", ArgumentTypes: []string{"text", "bigint"}}},
		Routes: []sdk.Route{{
			ID: "it", PrefetchQueries: []sdk.PrefetchQuery{{Name: "latest", Arguments: []string{"{name}@x", "1"}}},
			Handler: func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
				for _, args := range [][]any{{"{file}@x", int64(1)}, {"{file}@x", int64(2)}, {"other", int64(1)}} {
					rows, err := r.Meta.Query(ctx, "latest", args...)
					if err != nil {
						return nil, err
					}
					want := "asked"
					if reflect.DeepEqual(args, []any{"{file}@x", int64(1)}) {
						want = "known"
					}
					if len(rows) != 1 || rows[0]["from"] != want {
						t.Errorf("%v: rows %v, want those %s", args, rows, want)
					}
				}
				return sdk.Empty(200), nil
			},
		}},
	}
	in := &spec.Request{
		RouteID: "it", Level: sdk.LevelProject, Params: map[string]string{"name": "{file}", "file": "a.tgz"},
		PrefetchedRows: [][]sdk.Row{{{"from": "known"}}},
	}
	if _, err := plugin.Handle(t.Context(), in, host); err != nil {
		t.Fatal(err)
	}
	if host.calls != 2 {
		t.Errorf("asked %d times, want 2", host.calls)
	}
	in.PrefetchedRows = nil // a core that knows nothing of it
	_, err := plugin.Handle(t.Context(), in, &queried{from: "known"})
	if err != nil {
		t.Fatal(err)
	}
}

// queried is a core that answers named queries.
type queried struct {
	spec.Host

	calls int
	from  string
}

func (q *queried) RunQuery(context.Context, string, spec.QueryCall) ([]spec.Row, error) {
	q.calls++
	if q.from != "" && q.calls == 1 {
		return []spec.Row{{"from": q.from}}, nil
	}
	return []spec.Row{{"from": "asked"}}, nil
}

func version(v string) sdk.FoundPackage {
	return sdk.FoundPackage{Package: sdk.Package{Name: "demo", Version: v}}
}

// reading calls a handler that reads, with the route's prefetch answered.
func reading(t *testing.T, host spec.Host, prefetch []sdk.Finder, answers [][]sdk.FoundPackage, read func(context.Context, *sdk.Request) error) {
	t.Helper()
	p := &sdk.Plugin{Routes: []sdk.Route{{ID: "it", Prefetch: prefetch, Handler: func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		return sdk.Empty(200), read(ctx, r)
	}}}}
	in := &spec.Request{RequestContext: spec.RequestContext{Project: spec.Project{ID: 1}}, RouteID: "it", Level: sdk.LevelProject, Params: map[string]string{"name": "{file}", "file": "a.tgz"}, Prefetched: answers}
	if _, err := p.Handle(t.Context(), in, host); err != nil {
		t.Fatal(err)
	}
}

func TestFindReadsAllPages(t *testing.T) {
	t.Parallel()
	host := &pages{pages: [][]sdk.FoundPackage{{version("1"), version("2")}, {version("3")}}}
	reading(t, host, nil, nil, func(ctx context.Context, r *sdk.Request) error {
		found, err := r.Packages.Find(ctx, sdk.Finder{Name: "demo"})
		if len(found) != 3 || found[2].Package.Version != "3" {
			t.Errorf("found %v", found)
		}
		return err
	})
	if len(host.asked) != 2 {
		t.Errorf("asked %d times, want one for each page", len(host.asked))
	}
}

func TestEachFetchesPagesAsTheyAreConsumed(t *testing.T) {
	t.Parallel()
	host := &pages{pages: [][]sdk.FoundPackage{{version("1"), version("2")}, {version("3")}}}
	reading(t, host, nil, nil, func(ctx context.Context, r *sdk.Request) error {
		for _, err := range r.Packages.Each(ctx, sdk.Finder{Name: "demo"}) {
			return err
		}
		t.Error("nothing is found")
		return nil
	})
	if len(host.asked) != 1 {
		t.Errorf("asked %d times for one package", len(host.asked))
	}
}

func TestEachEndsAtAnError(t *testing.T) {
	t.Parallel()
	host := &pages{pages: [][]sdk.FoundPackage{{version("1")}, {version("2")}, {version("3")}}, fail: 2}
	reading(t, host, nil, nil, func(ctx context.Context, r *sdk.Request) error {
		var seen, failed int
		for _, err := range r.Packages.Each(ctx, sdk.Finder{Name: "demo"}) {
			if err != nil {
				failed++
				continue
			}
			seen++
		}
		if seen != 1 || failed != 1 {
			t.Errorf("%d packages and %d errors, want one of each", seen, failed)
		}
		if _, err := r.Packages.Find(ctx, sdk.Finder{}); err == nil {
			t.Error("Find hides the error")
		}
		return nil
	})
}

func TestFirstAsksForOne(t *testing.T) {
	t.Parallel()
	host := &pages{pages: [][]sdk.FoundPackage{{version("1"), version("2")}}}
	reading(t, host, nil, nil, func(ctx context.Context, r *sdk.Request) error {
		found, err := r.Packages.First(ctx, sdk.Finder{Name: "demo"})
		if found.Package.Version != "1" {
			t.Errorf("found %v", found)
		}
		return err
	})
	if len(host.asked) != 1 || host.asked[0].Limit != 1 {
		t.Errorf("asked %+v", host.asked)
	}
	reading(t, &pages{}, nil, nil, func(ctx context.Context, r *sdk.Request) error {
		if _, err := r.Packages.First(ctx, sdk.Finder{}); !errors.Is(err, sdk.ErrNotFound) {
			t.Errorf("nothing found: %v, want ErrNotFound", err)
		}
		return nil
	})
}

func TestAPrefetchedAnswerIsNotAskedFor(t *testing.T) {
	t.Parallel()
	prefetch := []sdk.Finder{
		{Name: "{name}", Version: "1", WithFiles: true},
		{Name: "{name}", FileName: "{file}", Limit: 1},
		{NamePrefix: "x"},
	}
	answers := [][]sdk.FoundPackage{{version("1")}, {version("2")}, {}}
	host := &pages{}
	reading(t, host, prefetch, answers, func(ctx context.Context, r *sdk.Request) error {
		// The name's value looks like a parameter and must stay text.
		name := r.Param("name")
		one, err := r.Packages.Find(ctx, sdk.Finder{Name: name, Version: "1", WithFiles: true})
		if err != nil || len(one) != 1 || one[0].Package.Version != "1" {
			t.Errorf("name and version: %v %v", one, err)
		}
		first, err := r.Packages.First(ctx, sdk.Finder{Name: name, FileName: "a.tgz", Limit: 1})
		if err != nil || first.Package.Version != "2" {
			t.Errorf("name and file: %v %v", first, err)
		}
		if _, err := r.Packages.First(ctx, sdk.Finder{NamePrefix: "x"}); !errors.Is(err, sdk.ErrNotFound) {
			t.Errorf("an empty answer: %v, want ErrNotFound", err)
		}
		return nil
	})
	if len(host.asked) != 0 {
		t.Errorf("asked for %+v", host.asked)
	}
}

func TestOtherFindersThanThePrefetchedAreAskedFor(t *testing.T) {
	t.Parallel()
	host := &pages{pages: [][]sdk.FoundPackage{{version("1")}, {version("2")}}}
	prefetch := []sdk.Finder{{Name: "{file}"}}
	reading(t, host, prefetch, [][]sdk.FoundPackage{{version("1")}}, func(ctx context.Context, r *sdk.Request) error {
		if _, err := r.Packages.First(ctx, sdk.Finder{Name: "a.tgz", WithTags: true}); err != nil {
			t.Error(err)
		}
		// The request carries the first page, and not whether there are more.
		all, err := r.Packages.Find(ctx, sdk.Finder{Name: "a.tgz"})
		if len(all) != 2 {
			t.Errorf("found %v", all)
		}
		return err
	})
	if len(host.asked) != 3 {
		t.Errorf("asked %d times, want 3", len(host.asked))
	}
}
