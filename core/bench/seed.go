package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// seedNPM publishes what the workloads of npm read, and looks whether it is there.
func seedNPM(ctx context.Context, targets []*target, quick bool) error {
	for _, n := range versionCounts(quick) {
		versions := make([]string, n)
		for i := range versions {
			versions[i] = fmt.Sprintf("1.0.%d", i)
		}
		for _, t := range targets {
			if err := seedMany(ctx, t, manyName(n), versions); err != nil {
				return fmt.Errorf("%s: %s: %w", t.name, manyName(n), err)
			}
		}
	}
	for _, s := range sizes(quick) {
		b := newBody(s.pkg(), "1.0.0", s.bytes)
		for _, t := range targets {
			if err := t.publish(ctx, b); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	return nil
}

// seedMany makes a package of many versions.
func seedMany(ctx context.Context, t *target, name string, versions []string) error {
	if err := t.publish(ctx, newBody(name, versions[0], 100)); err != nil {
		return err
	}
	if t.name == verdaccio {
		if err := addVersions(t, name, versions); err != nil {
			return err
		}
		return countVersions(ctx, t, name, len(versions))
	}
	left := make(chan string, len(versions))
	for _, v := range versions[1:] {
		left <- v
	}
	close(left)
	_, err := loop(ctx, 4, 10*time.Minute, func(ctx context.Context) (int, error) {
		v, more := <-left
		if !more {
			return 0, nil
		}
		return 1, t.publish(ctx, newBody(name, v, 100))
	})
	if err != nil {
		return err
	}
	return countVersions(ctx, t, name, len(versions))
}

// countVersions is the check that all targets answer with as much.
func countVersions(ctx context.Context, t *target, name string, want int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.base+"/"+name, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	resp, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var doc struct {
		Versions map[string]struct {
			Dist struct {
				Tarball string `json:"tarball"`
			} `json:"dist"`
		} `json:"versions"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		return err
	}
	if len(doc.Versions) != want {
		return fmt.Errorf("%d versions, not %d", len(doc.Versions), want)
	}
	return nil
}
