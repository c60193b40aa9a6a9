package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// workload is one thing to do as often as possible.
type workload struct {
	name  string
	maven bool // not for targets that speak npm only
	// prepare is called once a round, before the clock runs; what it returns is
	// then done to each target in turn.
	prepare prepare
}

const (
	readers      = 16
	largeReaders = 8                                                                          // of 100 MiB
	abbreviated  = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*" // as npm asks
)

// workloads lists what is measured. Every request carries a token.
func workloads(quick bool) []workload {
	var all []workload
	for _, n := range versionCounts(quick) {
		path := "/" + manyName(n)
		all = append(all,
			npm(fmt.Sprintf("packument %d, full", n), reading(path, readers, http.Header{})),
			npm(fmt.Sprintf("packument %d, abbreviated", n), reading(path, readers, http.Header{"Accept": {abbreviated}})),
			npm(fmt.Sprintf("packument %d, 304", n), revalidating(path)),
		)
	}
	for _, s := range sizes(quick) {
		workers := readers
		if s.bytes > 10<<20 {
			workers = largeReaders
		}
		all = append(all, npm("tarball "+s.name, reading(s.tarball(), workers, http.Header{})))
	}
	for _, s := range sizes(true) {
		for _, writers := range []int{1, 8} {
			name := fmt.Sprintf("publish %s, %d at once", s.name, writers)
			all = append(all, npm(name, publishing(s.bytes, writers)))
		}
	}
	return append(all, mavenWorkloads(quick)...)
}

// prepare makes a workload's work ready for one round.
type prepare = func(length time.Duration) func(ctx context.Context, t *target) (round, error)

func npm(name string, p prepare) workload { return workload{name: name, prepare: p} }

func versionCounts(quick bool) []int {
	if quick {
		return []int{1, 20}
	}
	return []int{1, 100, 2000}
}

// manyName is the package with n versions.
func manyName(n int) string { return fmt.Sprintf("many%d", n) }

// size is one of the tarballs read, each a package of its own.
type size struct {
	name  string
	bytes int
}

func sizes(quick bool) []size {
	all := []size{{"10 KiB", 10 << 10}, {"1 MiB", 1 << 20}, {"100 MiB", 100 << 20}}
	if quick {
		return all[:2]
	}
	return all
}

func (s size) pkg() string     { return "file" + strings.ToLower(strings.ReplaceAll(s.name, " ", "")) }
func (s size) tarball() string { return fmt.Sprintf("/%[1]s/-/%[1]s-1.0.0.tgz", s.pkg()) }

// reading reads the same path from all workers. One request goes before the
// clock, so that what is built once is not counted in the first round alone.
func reading(path string, workers int, header http.Header) prepare {
	return func(length time.Duration) func(context.Context, *target) (round, error) {
		return func(ctx context.Context, t *target) (round, error) {
			get := func(ctx context.Context) (int, error) {
				_, err := t.expect(ctx, http.StatusOK, http.MethodGet, path, nil, header)
				return 1, err
			}
			if _, err := get(ctx); err != nil {
				return round{}, err
			}
			return loop(ctx, workers, length, get)
		}
	}
}

// revalidating asks again for a document that the client has.
func revalidating(path string) prepare {
	return func(length time.Duration) func(context.Context, *target) (round, error) {
		return func(ctx context.Context, t *target) (round, error) {
			first, err := t.expect(ctx, http.StatusOK, http.MethodGet, path, nil, http.Header{})
			if err != nil {
				return round{}, err
			}
			header := http.Header{"If-None-Match": {first.Get("ETag")}}
			return loop(ctx, readers, length, func(ctx context.Context) (int, error) {
				_, err := t.expect(ctx, http.StatusNotModified, http.MethodGet, path, nil, header)
				return 1, err
			})
		}
	}
}

// publishing publishes new packages, each of another name and with another
// content. The bodies are made before the clock runs and are the same for all
// targets; if they run out, the round ends early.
func publishing(bytes, writers int) prepare {
	return func(length time.Duration) func(context.Context, *target) (round, error) {
		const perSecond, memory = 2000, 512 << 20
		bodies := make([]body, min(int(length.Seconds()*perSecond)+writers, memory/(bytes*4/3)))
		prefix := "pub-" + strings.ToLower(rand.Text()[:8])
		for i := range bodies {
			bodies[i] = newBody(fmt.Sprintf("%s-%d", prefix, i), "1.0.0", bytes)
		}
		return func(ctx context.Context, t *target) (round, error) {
			left := make(chan body, len(bodies))
			for _, b := range bodies {
				left <- b
			}
			close(left)
			return loop(ctx, writers, length, func(ctx context.Context) (int, error) {
				b, more := <-left
				if !more {
					return 0, nil
				}
				return 1, t.publish(ctx, b)
			})
		}
	}
}
