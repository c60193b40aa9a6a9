package server

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pakhus/pakhus/core/internal/cache"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// fills lets concurrent requests for one answer share one call of the plugin.
type fills struct{ group singleflight.Group }

// fillTimeout bounds a call that is made for several requests and so outlives each of them.
const fillTimeout = 30 * time.Second

// remembered answers a read whose answer depends on nothing but the route, its
// parameters and the generations of the packages it names. The entity tag is
// made from exactly these: so a client that has the document is told so without
// the document being built, on any node and after any restart.
func (s *Server) remembered(r *call) (*answer, error) {
	ctx := r.c.Request.Context()
	generations, err := s.generations(ctx, r)
	if err != nil {
		return nil, err
	}
	tag := s.entityTag(r, r.format.Revision(), generations)
	if matches(r.c.Request.Header, tag) {
		return &answer{notModified: true, tag: tag}, nil
	}
	if kept, ok := s.Answers.Get(tag); ok {
		return &answer{kept: kept, tag: tag}, nil
	}
	type filled struct {
		kept *cache.Answer
		once *answer // an answer that is not kept: an error of the plugin's making
	}
	got, err, _ := s.fills.group.Do(tag, func() (any, error) {
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillTimeout)
		defer cancel()
		kept, once, err := s.fill(shared, r, generations, tag)
		return filled{kept, once}, err
	})
	if err != nil {
		return nil, err
	}
	f := got.(filled) //nolint:errcheck,forcetypeassert // the function above returns nothing else
	if f.kept != nil {
		return &answer{kept: f.kept, tag: tag}, nil
	}
	return f.once, nil
}

// fill asks the plugin. The answer is kept only if no generation has moved
// since before the plugin's first read.
func (s *Server) fill(ctx context.Context, r *call, before []packages.Generation, tag string) (*cache.Answer, *answer, error) {
	request, end, err := s.open(ctx, r, &upload.Body{}, 1)
	if err != nil {
		return nil, nil, err
	}
	forEverybody(request, r.route.Cache)
	response, err := ask(ctx, r, request)
	end()
	if err != nil {
		return nil, nil, err
	}
	if !response.Plan.Empty() {
		return nil, nil, registry.Errorf(registry.CodeInternal, "plugin sent a plan for a read")
	}
	once := &answer{outcome: response.Outcome, prefetched: request.Prefetched}
	after := r.prefetchedAt // nothing else was read
	if r.route.DirectFile.Answer(request.Prefetched) == nil {
		if after, err = s.generations(ctx, r); err != nil {
			return nil, nil, err
		}
	}
	if !slices.Equal(before, after) {
		return nil, once, nil
	}
	kept, err := s.keep(ctx, r, once)
	if err != nil || kept == nil {
		return nil, once, err
	}
	s.Answers.Put(tag, kept)
	return kept, nil, nil
}

// keep makes a lasting answer of an outcome; nil if it is not one to keep.
func (s *Server) keep(ctx context.Context, r *call, a *answer) (*cache.Answer, error) {
	switch o := a.outcome.(type) {
	case *spec.HTTPResponse:
		if o.Status != http.StatusOK {
			return nil, nil
		}
		return cache.NewAnswer(responseHeader(o.Header), o.Body), nil
	case *spec.SendFile:
		file, err := s.file(ctx, r, a, o)
		if err != nil {
			return nil, err
		}
		if file.Size <= keptFile {
			if file.Data, err = s.readBlob(ctx, file); err != nil {
				return nil, err
			}
		}
		return cache.NewFileAnswer(responseHeader(o.Header), file), nil
	}
	return nil, nil
}

// keptFile is the size up to which a file's bytes are kept with the answer.
// Beyond it the kernel sends the file faster than this process could.
const keptFile = 64 << 10

func (s *Server) readBlob(ctx context.Context, f cache.File) ([]byte, error) {
	blob, err := s.Blobs.Open(ctx, storage.Key(f.SHA256))
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = blob.Close() }()
	data := make([]byte, blob.Size())
	if _, err := io.ReadFull(blob, data); err != nil {
		return nil, unreadable(err)
	}
	if sha256.Sum256(data) != f.SHA256 {
		return nil, unreadable(errors.New("the stored bytes are not those that were published"))
	}
	return data, nil
}

// unreadable is a fault of the store: a row whose bytes cannot be had is never a 404.
func unreadable(cause error) error {
	return registry.Errorf(registry.CodeUnavailable, "this file cannot be read at the moment").Because(cause)
}

func (s *Server) generations(ctx context.Context, r *call) ([]packages.Generation, error) {
	return s.Packages.Generations(ctx, r.about.projectIDs(), r.manifest.Format, r.cacheKeys())
}

func (r *call) cacheKeys() []string {
	keys := make([]string, len(r.route.Cache.Keys))
	for i, k := range r.route.Cache.Keys {
		keys[i] = r.fill(k)
	}
	return keys
}

// forEverybody takes out of a request what is no part of the entity tag: who
// asks, with what headers, and what else is in the query. Others will get the
// answer, so it must not be made for one.
func forEverybody(r *spec.Request, policy *spec.CachePolicy) {
	query := url.Values{}
	for _, name := range policy.VaryQuery {
		if values, ok := r.Query[name]; ok {
			query[name] = values
		}
	}
	r.Actor, r.Header, r.Query, r.Settings = spec.Actor{Kind: spec.Anonymous}, nil, query, spec.PackageSettings{}
}

// entityTag names an answer by all that it is made from; revision is the plugin's.
func (s *Server) entityTag(r *call, revision string, generations []packages.Generation) string {
	h := sha256.New()
	part := func(parts ...string) {
		for _, p := range parts {
			// Lengths first: ("ab","c") is not ("a","bc").
			_ = binary.Write(h, binary.BigEndian, uint32(len(p))) //nolint:gosec // request parts are far below 4 GiB
			h.Write([]byte(p))
		}
	}
	part(revision, r.route.ID, r.media, s.baseURL(r))
	for _, name := range sorted(r.params) {
		part(name, r.params[name])
	}
	query := r.c.Request.URL.Query()
	for _, name := range r.route.Cache.VaryQuery {
		part(name, strconv.Itoa(len(query[name])))
		part(query[name]...)
	}
	// Who may read other projects of a group gets another answer.
	number := func(n int64) { _ = binary.Write(h, binary.BigEndian, n) }
	ids := r.about.projectIDs()
	number(int64(len(ids)))
	for _, id := range ids {
		number(id)
	}
	for _, g := range generations {
		part(g.Key)
		number(g.ProjectID)
		number(g.Number)
	}
	return `W/"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
}
