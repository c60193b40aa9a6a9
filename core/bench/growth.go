package main

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"
)

// Growth is how long each thousand files took, one after the other, of many that
// are put into one place by several writers.
type Growth struct {
	Name     string    `json:"name"`
	Target   string    `json:"target"`
	Files    int       `json:"files"`
	Seconds  []float64 `json:"seconds"`   // for each thousand
	LastFull float64   `json:"last_full"` // the last thousand's time by the first's
}

// String is a line: seconds per thousand files.
func (g Growth) String() string {
	each := make([]string, len(g.Seconds))
	for i, s := range g.Seconds {
		each[i] = fmt.Sprintf("%.2f", s)
	}
	return fmt.Sprintf("%s, %s: seconds for each %d files: %s; last/first %.2f", g.Name, g.Target, g.Files, strings.Join(each, " "), g.LastFull)
}

// growths puts ten thousand files into one version, and into one artifact.
func growths(ctx context.Context, targets []*target, quick bool) ([]Growth, error) {
	files := 1000
	if quick {
		files = 40
	}
	const parts = 10
	var all []Growth
	for _, place := range []struct {
		name string
		part func(i int) []mavenVersion // of about so many files
	}{
		{"maven growth, one version", func(i int) []mavenVersion { return manyFiles("com/example/wide", i*files, files) }},
		{"maven growth, one artifact", func(i int) []mavenVersion {
			versions := make([]mavenVersion, files/4)
			for n := range versions {
				versions[n] = newMavenVersion("com/example/long", fmt.Sprintf("1.%d", i*len(versions)+n))
			}
			return versions
		}},
	} {
		grown := make([]Growth, len(targets))
		for i := range parts {
			part := place.part(i)
			for n, t := range targets {
				if t.maven == "" {
					continue
				}
				begin := time.Now()
				if err := deployAll(ctx, t, part); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", place.name, t.name, err)
				}
				grown[n].Seconds = append(grown[n].Seconds, time.Since(begin).Seconds())
			}
		}
		for n, t := range targets {
			g := grown[n]
			if len(g.Seconds) == 0 {
				continue
			}
			g.Name, g.Target, g.Files, g.LastFull = place.name, t.name, files, g.Seconds[parts-1]/g.Seconds[0]
			all = append(all, g)
		}
	}
	return all, nil
}

// manyFiles are files of one version, each a deployment of its own.
func manyFiles(name string, from, n int) []mavenVersion {
	files := make([]mavenVersion, n)
	for i := range files {
		files[i] = mavenVersion{{fmt.Sprintf("%s/1.0/%s-1.0-part%d.jar", name, path.Base(name), from+i), newJar(mavenFile)}}
	}
	return files
}
