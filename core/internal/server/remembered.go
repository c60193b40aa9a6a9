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
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pakhus/pakhus/core/internal/cache"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// fills are the calls of plugins whose answers will be kept.
type fills struct {
	group singleflight.Group // by tag: concurrent requests for one answer share one call
	first sync.Map           // subjects that somebody asks about without a tag
}

// fillTimeout bounds a call that is made for several requests and so outlives each of them.
const fillTimeout = 30 * time.Second

// fresh is an answer that a plugin made.
type fresh struct {
	tag  string
	kept *cache.Answer
	once *answer // an answer that is not kept: an error of the plugin's making, or one overtaken
}

func (f fresh) answer() *answer {
	if f.kept != nil {
		return &answer{kept: f.kept, tag: f.tag}
	}
	return f.once
}

// remembered answers a read whose answer depends on nothing but the route, its
// parameters and the generations of the packages it names. The entity tag is
// made from exactly these: so a client that has the document is told so without
// the document being built, on any node and after any restart.
func (s *Server) remembered(r *call) (*answer, error) {
	ctx := r.c.Request.Context()
	if first, end := s.firstOf(r); first {
		defer end()
		f, err := s.fill(ctx, r)
		return f.answer(), err
	}
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
	got, err, _ := s.fills.group.Do(tag, func() (any, error) {
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillTimeout)
		defer cancel()
		return s.fill(shared, r)
	})
	if err != nil {
		return nil, err
	}
	return got.(fresh).answer(), nil //nolint:errcheck,forcetypeassert // the function above returns nothing else
}

// firstOf reports whether this is the first request about something that no
// answer was kept of since it has changed, and that the client has none of either: to find out the tag
// would be a round trip for nothing. Of many at once the others do not share its
// call, for it may have read before they asked.
func (s *Server) firstOf(r *call) (first bool, end func()) {
	subject := s.subject(r)
	if r.c.Request.Header.Get("If-None-Match") != "" || s.Answers.Knows(subject, r.dependencies()...) {
		return false, nil
	}
	if _, others := s.fills.first.LoadOrStore(subject, struct{}{}); others {
		return false, nil
	}
	return true, func() { s.fills.first.Delete(subject) }
}

// dependencies name what the answer depends on, for the cache: nothing if the
// answer is about several projects, of which there may be thousands.
func (r *call) dependencies() []string {
	ids := r.about.projectIDs()
	if len(ids) != 1 {
		return nil
	}
	return dependencies(ids[0], r.manifest.Format, r.cacheKeys())
}

// dependencies name cache keys of a format in a project among those of all.
func dependencies(projectID int64, format string, keys []string) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = formatID(projectID) + "/" + format + "/" + key
	}
	return names
}

// subject names what an answer is about, whatever the generations.
func (s *Server) subject(r *call) string { return s.entityTag(r, "", nil) }

// fill asks the plugin. The answer's tag is made from the generations that the
// prefetch saw; if the plugin reads more than that, the answer is kept only if
// none has moved since.
func (s *Server) fill(ctx context.Context, r *call) (fresh, error) {
	request, end, err := s.open(ctx, r, &upload.Body{}, 1)
	if err != nil {
		return fresh{}, err
	}
	forEverybody(request, r.route.Cache)
	response, err := ask(ctx, r, request)
	asked := end()
	if err != nil {
		return fresh{}, err
	}
	if !response.Plan.Empty() {
		return fresh{}, registry.Errorf(registry.CodeInternal, "plugin sent a plan for a read")
	}
	once := fresh{once: &answer{outcome: response.Outcome, prefetched: request.Prefetched}}
	if asked {
		after, err := s.generations(ctx, r)
		if err != nil {
			return fresh{}, err
		}
		if !slices.Equal(r.prefetchedAt, after) {
			return once, nil
		}
	}
	kept, err := s.keep(ctx, r, once.once)
	if err != nil || kept == nil {
		return once, err
	}
	tag := s.entityTag(r, r.format.Revision(), r.prefetchedAt)
	s.Answers.Put(s.subject(r), tag, kept)
	return fresh{tag: tag, kept: kept}, nil
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

// readBlob returns the bytes of a file, those at hand or the stored ones.
func (s *Server) readBlob(ctx context.Context, f cache.File) ([]byte, error) {
	data := f.Data
	if data == nil {
		blob, err := s.Blobs.Open(ctx, storage.Key(f.SHA256))
		if err != nil {
			return nil, unreadable(err)
		}
		defer func() { _ = blob.Close() }()
		data = make([]byte, blob.Size())
		if _, err := io.ReadFull(blob, data); err != nil {
			return nil, unreadable(err)
		}
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
