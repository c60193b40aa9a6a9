// Package cache keeps answers that plugins made. It never decides whether an
// answer is still right: an answer is stored under an entity tag that is made
// from the generations it depends on, so an overtaken answer is simply never
// asked for again and leaves when room is needed.
package cache

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// Answers is a store bounded by bytes, safe for concurrent use.
type Answers struct {
	store *otter.Cache[string, *Answer]
	// When an answer about a subject was last kept, and when what answers depend on
	// was last changed by this node.
	subjects, changes *otter.Cache[string, uint64]
	now               atomic.Uint64 // counts changes
}

// maxSubjects is how many subjects are remembered, and how many changes, some
// 100 bytes each.
const maxSubjects = 100_000

// New makes a store of at most maxBytes of bodies. It returns an error only if
// maxBytes is not positive.
func New(maxBytes int64) (*Answers, error) {
	store, err := otter.New(&otter.Options[string, *Answer]{
		MaximumWeight: uint64(max(maxBytes, 0)), //nolint:gosec // not negative
		Weigher:       func(tag string, a *Answer) uint32 { return a.weight(tag) },
	})
	if err != nil {
		return nil, fmt.Errorf("answer cache of %d bytes: %w", maxBytes, err)
	}
	a := &Answers{store: store}
	for _, into := range []**otter.Cache[string, uint64]{&a.subjects, &a.changes} {
		if *into, err = otter.New(&otter.Options[string, uint64]{MaximumSize: maxSubjects}); err != nil {
			return nil, fmt.Errorf("subjects of the answer cache: %w", err)
		}
	}
	return a, nil
}

// Get returns the answer kept under the tag.
func (c *Answers) Get(tag string) (*Answer, bool) { return c.store.GetIfPresent(tag) }

// Put keeps an answer, perhaps at the price of others. The subject is what the
// answer is about, whatever its tag.
func (c *Answers) Put(subject, tag string, a *Answer) {
	c.store.Set(tag, a)
	c.subjects.Set(subject, c.now.Load())
}

// Knows reports whether an answer about the subject may be there that is still
// right: one was kept, and none of what it depends on was changed by this node
// since, as far as is remembered. If not, it is no use to find out the tag of the
// current one. True is no promise: another node may have changed something.
func (c *Answers) Knows(subject string, dependsOn ...string) bool {
	kept, ok := c.subjects.GetIfPresent(subject)
	for _, name := range dependsOn {
		if changed, known := c.changes.GetIfPresent(name); known && changed > kept {
			return false
		}
	}
	return ok
}

// Changed tells that what answers may depend on has changed.
func (c *Answers) Changed(names ...string) {
	now := c.now.Add(1)
	for _, name := range names {
		c.changes.Set(name, now)
	}
}

// Answer is a 200 with a body, or one stored file. It is not changed after it
// was made, but for the compressed form, which is made when first asked for.
type Answer struct {
	Header http.Header
	Body   []byte
	File   *File

	once sync.Once
	zip  []byte
}

// File is a stored file to send, with all that it takes to send it.
type File struct {
	PackageID   int64
	SHA256      [32]byte
	Size        int64
	Name        string
	ContentType string
	ModTime     time.Time
	// Data is the content of a small file, so that a hot one is not opened each time.
	Data []byte
}

// NewAnswer makes an answer of a body. Neither header nor body may be changed afterwards.
func NewAnswer(h http.Header, body []byte) *Answer { return &Answer{Header: h, Body: body} }

// NewFileAnswer makes an answer of a file.
func NewFileAnswer(h http.Header, f File) *Answer { return &Answer{Header: h, File: &f} }

// minGzip is the size from which compression is worth its header and its time.
const minGzip = 1 << 10

// Gzip returns the compressed body, or nil if the body is too small to gain.
func (a *Answer) Gzip() []byte {
	if len(a.Body) < minGzip {
		return nil
	}
	a.once.Do(func() {
		var b bytes.Buffer
		// The answer is compressed once and sent often, but a client waits: the fastest level.
		w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			return
		}
		if _, err := w.Write(a.Body); err != nil || w.Close() != nil {
			return
		}
		a.zip = b.Bytes()
	})
	return a.zip
}

// weight counts the body one and a third times, for its compressed form, and
// something for the entry itself.
func (a *Answer) weight(tag string) uint32 {
	const entry = 512
	size := len(tag) + len(a.Body)*4/3 + entry
	if a.File != nil {
		size += len(a.File.Data)
	}
	return uint32(size) //nolint:gosec // bodies are bounded by spec.MaxResponseBytes
}
