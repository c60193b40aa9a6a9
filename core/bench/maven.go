package main

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what Maven sends beside each file
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// What Maven does to a registry. The targets are Pakhus and the reference:
// Verdaccio speaks npm only.

const (
	mavenFile    = 5 << 10 // of every file: what most of a repository is made of
	mavenWriters = 8
	mavenReaders = 8
	mavenReads   = "com/example/reads" // the artifact whose files are read
)

// mavenWorkloads lists them. A PUT is of a file alone: the checksums that a
// client sends after it are compared and not stored, and so have a line of their own.
func mavenWorkloads(quick bool) []workload {
	maven := func(name string, p prepare) workload { return workload{name: "maven " + name, maven: true, prepare: p} }
	all := []workload{
		maven("PUT 5 KiB, 8 at once, artifacts of their own", deploying(false)),
		maven("PUT 5 KiB, 8 at once, one artifact", deploying(true)),
		maven("PUT .sha1, 8 at once", checking()),
		maven("GET 5 KiB, each once", readingFiles(quick, "", false)),
		maven("GET 5 KiB, again", readingFiles(quick, "", true)),
		maven("GET .sha1, each once", readingFiles(quick, ".sha1", false)),
		maven("GET .sha1, again", readingFiles(quick, ".sha1", true)),
	}
	for _, n := range mavenVersionCounts(quick) {
		all = append(all, maven(fmt.Sprintf("GET maven-metadata.xml %d", n), readingMetadata(n)))
	}
	return all
}

func mavenVersionCounts(quick bool) []int {
	if quick {
		return []int{20}
	}
	return []int{100, 2000}
}

func mavenManyName(n int) string { return fmt.Sprintf("com/example/many%d", n) }

// mavenReadVersions are the versions whose files are read, of four files each.
func mavenReadVersions(quick bool) []string {
	n := 500
	if quick {
		n = 20
	}
	versions := make([]string, n)
	for i := range versions {
		versions[i] = fmt.Sprintf("1.%d", i)
	}
	return versions
}

func seedMaven(ctx context.Context, targets []*target, quick bool) error {
	for _, t := range targets {
		if t.maven == "" {
			continue
		}
		for _, n := range mavenVersionCounts(quick) {
			versions := make([]mavenVersion, n)
			for i := range versions {
				versions[i] = newPOMOnly(mavenManyName(n), fmt.Sprintf("1.0.%d", i))
			}
			if err := deployAll(ctx, t, versions); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		var versions []mavenVersion
		for _, v := range mavenReadVersions(quick) {
			versions = append(versions, newMavenVersion(mavenReads, v))
		}
		if err := deployAll(ctx, t, versions); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

func deployAll(ctx context.Context, t *target, versions []mavenVersion) error {
	_, err := loop(ctx, mavenWriters, 10*time.Minute, each(versions, func(ctx context.Context, v mavenVersion) (int, error) {
		return len(v), v.put(ctx, t)
	}))
	return err
}

// each gives every element of a list to one call of do.
func each[T any](list []T, do func(ctx context.Context, one T) (int, error)) func(context.Context) (int, error) {
	var next atomic.Int64
	return func(ctx context.Context) (int, error) {
		i := int(next.Add(1)) - 1
		if i >= len(list) {
			return 0, nil
		}
		return do(ctx, list[i])
	}
}

// deploying deploys new versions, each writer one after the other and each
// version file by file, as Maven does. What is counted is files.
func deploying(oneArtifact bool) prepare {
	return func(length time.Duration) func(context.Context, *target) (round, error) {
		const perSecond = 1500 // versions
		versions := make([]mavenVersion, int(length.Seconds()*perSecond)+mavenWriters)
		prefix := "com/example/put-" + strings.ToLower(rand.Text()[:8])
		for i := range versions {
			name, v := fmt.Sprintf("%s-%d", prefix, i), "1.0"
			if oneArtifact {
				name, v = prefix, fmt.Sprintf("1.%d", i)
			}
			versions[i] = newMavenVersion(name, v)
		}
		return func(ctx context.Context, t *target) (round, error) {
			return loop(ctx, mavenWriters, length, each(versions, func(ctx context.Context, v mavenVersion) (int, error) {
				return len(v), v.put(ctx, t)
			}))
		}
	}
}

// checking sends the checksums of files that are stored.
func checking() prepare {
	return func(length time.Duration) func(context.Context, *target) (round, error) {
		name := "com/example/checked-" + strings.ToLower(rand.Text()[:8])
		versions := make([]mavenVersion, 2*mavenWriters)
		var files []mavenUpload
		for i := range versions {
			versions[i] = newMavenVersion(name, fmt.Sprintf("1.%d", i))
			files = append(files, versions[i]...)
		}
		sums := make([]mavenUpload, len(files))
		for i, f := range files {
			sum := sha1.Sum(f.data) //nolint:gosec // see the import
			sums[i] = mavenUpload{f.path + ".sha1", []byte(hex.EncodeToString(sum[:]))}
		}
		return func(ctx context.Context, t *target) (round, error) {
			if err := deployAll(ctx, t, versions); err != nil {
				return round{}, err
			}
			var next atomic.Int64
			return loop(ctx, mavenWriters, length, func(ctx context.Context) (int, error) {
				s := sums[int(next.Add(1))%len(sums)]
				_, err := t.expectAt(ctx, http.StatusNoContent, http.MethodPut, t.maven+"/"+s.path, s.data, http.Header{})
				return 1, err
			})
		}
	}
}

// readingFiles reads files of one artifact, all of them once or again and again.
// Before each round a version is deployed to it: what was kept of its files is old then.
func readingFiles(quick bool, suffix string, again bool) prepare {
	var paths []string
	for _, v := range mavenReadVersions(quick) {
		for _, f := range mavenFileNames(mavenReads, v) {
			paths = append(paths, f+suffix)
		}
	}
	return func(length time.Duration) func(context.Context, *target) (round, error) {
		news := newPOMOnly(mavenReads, "2."+strings.ToLower(rand.Text()[:8]))
		return func(ctx context.Context, t *target) (round, error) {
			if err := news.put(ctx, t); err != nil {
				return round{}, err
			}
			get := func(ctx context.Context, path string) (int, error) {
				_, err := t.expectAt(ctx, http.StatusOK, http.MethodGet, t.maven+"/"+path, nil, http.Header{})
				return 1, err
			}
			if !again {
				return loop(ctx, mavenReaders, length, each(paths, get))
			}
			hot := paths[:min(100, len(paths))]
			if _, err := loop(ctx, mavenReaders, length, each(hot, get)); err != nil {
				return round{}, err
			}
			var next atomic.Int64
			return loop(ctx, mavenReaders, length, func(ctx context.Context) (int, error) {
				return get(ctx, hot[int(next.Add(1))%len(hot)])
			})
		}
	}
}

func readingMetadata(versions int) prepare {
	return func(length time.Duration) func(context.Context, *target) (round, error) {
		return func(ctx context.Context, t *target) (round, error) {
			get := func(ctx context.Context) (int, error) {
				url := t.maven + "/" + mavenManyName(versions) + "/maven-metadata.xml"
				_, err := t.expectAt(ctx, http.StatusOK, http.MethodGet, url, nil, http.Header{})
				return 1, err
			}
			if _, err := get(ctx); err != nil {
				return round{}, err
			}
			return loop(ctx, mavenReaders, length, get)
		}
	}
}
