// Package manifest holds the rules that a format's manifest must follow. The SDK
// applies them before a plugin is served; the core applies them again, since a
// plugin may be written without the SDK.
package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/sdk/pattern"
	"github.com/pakhus/pakhus/sdk/spec"
)

// The bounds of a manifest.
const (
	MaxBytes  = 1 << 20 // of the whole, as JSON
	MaxRoutes = 500
)

// checker holds the manifest and the grammars of names.
type checker struct {
	m      *spec.Manifest
	format *regexp.Regexp
	semver *regexp.Regexp
	name   *regexp.Regexp // of routes, validators, jobs, queries, tables, columns
	event  *regexp.Regexp
	header *regexp.Regexp
	sql    *regexp.Regexp // a type's name
}

func newChecker(m *spec.Manifest) *checker {
	return &checker{
		m:      m,
		format: regexp.MustCompile(`\A[a-z][a-z0-9]{0,30}\z`),
		// https://semver.org, without leading zeros in numbers.
		semver: regexp.MustCompile(`\A(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}` +
			`(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\z`),
		name:  regexp.MustCompile(`\A[a-z][a-z0-9_]{0,49}\z`),
		event: regexp.MustCompile(`\A[a-z][a-z_]{0,30}\.[a-z][a-z_]{0,30}\z`),
		// RFC 9110 §5.1 allows more; no header of a package client needs it.
		header: regexp.MustCompile(`\A[A-Za-z][A-Za-z0-9_-]{0,62}\z`),
		sql:    regexp.MustCompile(`\A[a-z][a-z0-9 ]{0,40}(?:\[\])?\z`),
	}
}

// Check returns an error that names the first route and field that break a rule,
// nil if the manifest can be served.
func Check(m *spec.Manifest) error {
	if m == nil {
		return errors.New("no manifest")
	}
	c := newChecker(m)
	for _, check := range []func() error{
		c.size, c.identity, c.validators, c.routes, c.reachable, c.schema, c.background, c.limits, c.headers,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) size() error {
	data, err := json.Marshal(c.m)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if len(data) > MaxBytes {
		return fmt.Errorf("manifest: %d bytes, at most %d are taken", len(data), MaxBytes)
	}
	return nil
}

func (c *checker) identity() error {
	if !c.format.MatchString(c.m.Format) {
		return fmt.Errorf("format: %q is not lower-case letters and digits, at most 31, beginning with a letter", c.m.Format)
	}
	if c.m.Format == "protection" { // GitLab's /packages/protection/rules
		return fmt.Errorf("format: %q is reserved", c.m.Format)
	}
	if !c.semver.MatchString(c.m.Version) {
		return fmt.Errorf("version: %q is not a semantic version", c.m.Version)
	}
	if c.m.Errors < spec.ErrorMessage || c.m.Errors > spec.ErrorProblem {
		return fmt.Errorf("errors: unknown style %d", c.m.Errors)
	}
	for _, f := range slices.Concat(c.m.RequiredFeatures, c.m.OptionalFeatures) {
		if !c.name.MatchString(f) {
			return fmt.Errorf("requiredFeatures, optionalFeatures: bad name %q", f)
		}
	}
	return nil
}

func (c *checker) validators() error {
	for _, name := range slices.Sorted(maps.Keys(c.m.Validators)) {
		if !c.name.MatchString(name) {
			return fmt.Errorf("validators: bad name %q", name)
		}
		if err := pattern.CheckValidator(c.m.Validators[name]); err != nil {
			return fmt.Errorf("validators: %s: %w", name, err)
		}
	}
	return nil
}

func (c *checker) background() error {
	seen := map[string]bool{}
	for _, j := range c.m.Jobs {
		switch {
		case !c.name.MatchString(j.Kind):
			return fmt.Errorf("jobs: bad kind %q", j.Kind)
		case seen[j.Kind]:
			return fmt.Errorf("jobs: kind %s is declared twice", j.Kind)
		case j.Timeout < 0 || j.MaxAttempts < 0:
			return fmt.Errorf("jobs: %s: negative timeout or maxAttempts", j.Kind)
		}
		seen[j.Kind] = true
	}
	for _, e := range c.m.Events {
		if !c.event.MatchString(e) {
			return fmt.Errorf("events: bad type %q", e)
		}
		if seen[e] {
			return fmt.Errorf("events: type %s is declared twice", e)
		}
		seen[e] = true
	}
	return nil
}

func (c *checker) limits() error {
	l := c.m.Limits
	takesFiles := slices.ContainsFunc(c.m.Routes, func(r spec.Route) bool { return files(r.Body.Kind) })
	if l.MaxFileBytes < 0 || takesFiles && l.MaxFileBytes == 0 {
		return fmt.Errorf("limits: maxFileBytes: %d", l.MaxFileBytes)
	}
	if l.TooLargeStatus != http.StatusRequestEntityTooLarge && l.TooLargeStatus != http.StatusBadRequest {
		return fmt.Errorf("limits: tooLargeStatus: %d is neither 413 nor 400", l.TooLargeStatus)
	}
	for i, d := range l.Digests {
		if d < spec.MD5 || d > spec.SHA512 {
			return fmt.Errorf("limits: digests: unknown digest %d", d)
		}
		if slices.Contains(l.Digests[:i], d) {
			return fmt.Errorf("limits: digests: one is named twice")
		}
	}
	return nil
}

func (c *checker) headers() error {
	if h := c.m.ErrorHeader; h != "" && !strings.HasPrefix(http.CanonicalHeaderKey(h), "X-") {
		return fmt.Errorf("errorHeader: %q; only headers that begin with X- mean nothing to others", h)
	}
	for _, h := range c.m.RequestHeaders {
		if err := c.readable(h); err != nil {
			return fmt.Errorf("requestHeaders: %w", err)
		}
	}
	return nil
}

// readable refuses headers that no plugin is told of: credentials, and what
// proxies say of the client.
func (c *checker) readable(h string) error {
	if !c.header.MatchString(h) {
		return fmt.Errorf("bad header name %q", h)
	}
	h = http.CanonicalHeaderKey(h)
	switch h {
	case "Authorization", "Cookie", "Private-Token", "Deploy-Token", "Job-Token", "X-Nuget-Apikey",
		"Connection", "Upgrade", "Te", "Trailer", "Transfer-Encoding", "Keep-Alive", "Forwarded", "X-Real-Ip":
		return fmt.Errorf("%s is not given to plugins", h)
	}
	for _, prefix := range []string{"Proxy-", "X-Forwarded-"} {
		if len(h) > len(prefix) && h[:len(prefix)] == prefix {
			return fmt.Errorf("%s is not given to plugins", h)
		}
	}
	return nil
}
