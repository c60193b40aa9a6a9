package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// workload is one thing to do as often as possible.
type workload struct {
	name string
	run  func(t *target, length time.Duration) (perSecond float64, err error)
}

const readers = 16

func workloads(quick bool) []workload {
	abbreviated := http.Header{"Accept": {"application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"}}
	var all []workload
	for _, n := range versionCounts(quick) {
		path := fmt.Sprintf("/many%d", n)
		all = append(all,
			workload{fmt.Sprintf("packument %d, full", n), reading(path, nil, readers)},
			workload{fmt.Sprintf("packument %d, abbreviated", n), reading(path, abbreviated, readers)},
			workload{fmt.Sprintf("packument %d, 304", n), revalidating(path)},
		)
	}
	for _, s := range sizes(quick) {
		c := readers
		if s.bytes > 10<<20 {
			c = 8
		}
		all = append(all, workload{"tarball " + s.name, reading(fmt.Sprintf("/file%s/-/file%s-1.0.0.tgz", s.name, s.name), nil, c)})
	}
	for _, s := range []size{{"10KiB", 10 << 10}, {"1MiB", 1 << 20}} {
		for _, writers := range []int{1, 8} {
			all = append(all, workload{fmt.Sprintf("publish %s, %d writers", s.name, writers), publishing(s.bytes, writers)})
		}
	}
	return all
}

func versionCounts(quick bool) []int {
	if quick {
		return []int{1, 20}
	}
	return []int{1, 100, 2000}
}

type size struct {
	name  string
	bytes int
}

func sizes(quick bool) []size {
	all := []size{{"10kib", 10 << 10}, {"1mib", 1 << 20}, {"100mib", 100 << 20}}
	if quick {
		return all[:2]
	}
	return all
}

// prepare publishes what is read.
func prepare(targets []*target, quick bool) error {
	for _, t := range targets {
		for _, n := range versionCounts(quick) {
			for i := range n {
				if err := t.publish(newBody(fmt.Sprintf("many%d", n), fmt.Sprintf("1.0.%d", i), 100)); err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
			}
		}
		for _, s := range sizes(quick) {
			if err := t.publish(newBody("file"+s.name, "1.0.0", s.bytes)); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	return nil
}

// loop calls do from several goroutines until the time is over.
func loop(workers int, length time.Duration, do func(worker int) error) (float64, error) {
	var (
		wg     sync.WaitGroup
		count  atomic.Int64
		failed atomic.Pointer[error]
	)
	begin := time.Now()
	for w := range workers {
		wg.Go(func() {
			for time.Since(begin) < length && failed.Load() == nil {
				if err := do(w); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(count.Load()) / time.Since(begin).Seconds(), nil
}

func reading(path string, header http.Header, workers int) func(*target, time.Duration) (float64, error) {
	return func(t *target, length time.Duration) (float64, error) {
		return loop(workers, length, func(int) error {
			resp, err := t.do(http.MethodGet, path, nil, header)
			if err == nil && resp.StatusCode != http.StatusOK {
				return fmt.Errorf("GET %s: %s", path, resp.Status)
			}
			return err
		})
	}
}

func revalidating(path string) func(*target, time.Duration) (float64, error) {
	return func(t *target, length time.Duration) (float64, error) {
		first, err := t.do(http.MethodGet, path, nil, nil)
		if err != nil {
			return 0, err
		}
		header := http.Header{"If-None-Match": {first.Header.Get("ETag")}}
		return loop(readers, length, func(int) error {
			resp, err := t.do(http.MethodGet, path, nil, header)
			if err == nil && resp.StatusCode != http.StatusNotModified {
				return fmt.Errorf("GET %s: %s, not 304", path, resp.Status)
			}
			return err
		})
	}
}

// publishing publishes packages of different names; their bodies are made beforehand.
func publishing(bytes, writers int) func(*target, time.Duration) (float64, error) {
	return func(t *target, length time.Duration) (float64, error) {
		// More than any target manages, but not more than fits in memory.
		most := min(int(length.Seconds()*3000)+writers, (512<<20)/(bytes*2))
		bodies := make(chan body, most)
		run := strings.ToLower(rand.Text()[:8])
		for i := range most {
			bodies <- newBody(fmt.Sprintf("pub-%s-%d", run, i), "1.0.0", bytes)
		}
		begin := time.Now()
		var published atomic.Int64
		var over atomic.Int64 // when the bodies ran out
		rate, err := loop(writers, length, func(int) error {
			select {
			case b := <-bodies:
				published.Add(1)
				return t.publish(b)
			default:
				over.CompareAndSwap(0, int64(time.Since(begin)))
				return errOver
			}
		})
		if err == errOver { //nolint:errorlint // made above
			return float64(published.Load()) / time.Duration(over.Load()).Seconds(), nil
		}
		return rate, err
	}
}

var errOver = fmt.Errorf("no more bodies") //nolint:gochecknoglobals // a sentinel

// body is a publish ready to be sent.
type body struct {
	name string
	json []byte
}

func (t *target) publish(b body) error {
	resp, err := t.do(http.MethodPut, "/"+b.name, b.json, http.Header{"Npm-Command": {"publish"}})
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("publish %s: %s", b.name, resp.Status)
	}
	return err
}

// newBody makes a package whose tarball has about so many bytes, none of which
// can be compressed or shared.
func newBody(name, version string, size int) body {
	manifest := map[string]any{
		"name": name, "version": version, "description": "a package of the benchmark", "license": "MIT", "main": "index.js",
		"dependencies": map[string]string{"left": "^1.0.0", "right": "^2.0.0"}, "keywords": []string{"bench", "mark"},
	}
	tarball := tarballOf(manifest, size)
	data, err := json.Marshal(map[string]any{
		"_id": name, "name": name, "dist-tags": map[string]string{"latest": version}, "versions": map[string]any{version: manifest},
		"_attachments": map[string]any{name + "-" + version + ".tgz": map[string]any{
			"content_type": "application/octet-stream", "data": base64.StdEncoding.EncodeToString(tarball), "length": len(tarball),
		}},
	})
	if err != nil {
		panic(err) // made of text and numbers
	}
	return body{name, data}
}

func tarballOf(manifest map[string]any, size int) []byte {
	text, err := json.Marshal(manifest)
	if err != nil {
		panic(err) // made of text and numbers
	}
	noise := make([]byte, size)
	_, _ = rand.Read(noise)
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	w := tar.NewWriter(z)
	for name, content := range map[string][]byte{"package/package.json": text, "package/noise": noise} {
		_ = w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))})
		_, _ = w.Write(content)
	}
	_ = w.Close()
	_ = z.Close()
	return b.Bytes()
}

func contains(s, part string) bool { return strings.Contains(s, part) }
