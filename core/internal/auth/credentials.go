// Package auth finds out who sent a request: from whatever transport carries a
// credential, to one registry.Actor.
package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// Transport is how a credential came.
type Transport string

// The transports.
const (
	PrivateToken Transport = "PRIVATE-TOKEN"
	DeployToken  Transport = "Deploy-Token"
	Bearer       Transport = "Bearer"
	Basic        Transport = "Basic"
	APIKey       Transport = "X-NuGet-ApiKey" //nolint:gosec // a header's name
	JobToken     Transport = "JOB-TOKEN"
)

// Credentials are what a request carries. They never show their secret.
type Credentials struct {
	Transport Transport
	Username  string // of Basic
	Secret    string
}

// String returns the transport, never the secret.
func (c Credentials) String() string { return string(c.Transport) + " [redacted]" }

// GoString does likewise, for %#v.
func (c Credentials) GoString() string { return c.String() }

// MarshalText does likewise, for JSON and for hclog's JSON lines.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue does likewise, for log/slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Parse takes the credentials out of a request's headers and query; present is false if
// there are none. Two different ones at once are CodeInvalid: which of them was
// meant is not ours to guess. An Authorization header that cannot be read is
// CodeUnauthenticated, never anonymous.
func Parse(r *http.Request) (c Credentials, present bool, err error) {
	var all []Credentials
	for _, t := range []Transport{PrivateToken, DeployToken, JobToken} {
		for _, v := range r.Header.Values(string(t)) {
			if v = strings.TrimSpace(v); v != "" {
				all = append(all, Credentials{Transport: t, Secret: v})
			}
		}
	}
	if v := strings.TrimSpace(queried(r, "private_token")); v != "" {
		all = append(all, Credentials{Transport: PrivateToken, Secret: v})
	}
	if v := strings.TrimSpace(queried(r, "job_token")); v != "" {
		all = append(all, Credentials{Transport: JobToken, Secret: v})
	}
	for _, v := range r.Header.Values("Authorization") {
		c, ok, err := authorization(v)
		if err != nil {
			return Credentials{}, false, err
		}
		if ok {
			all = append(all, c)
		}
	}
	if key := strings.TrimSpace(r.Header.Get(string(APIKey))); key != "" && len(all) == 0 && !reads(r.Method) {
		// As in GitLab, it is for writing only. NuGet's clients want one even where
		// credentials are configured: what they were asked for goes before it.
		return Credentials{Transport: APIKey, Secret: key}, true, nil
	}
	if len(all) == 0 {
		return Credentials{}, false, nil
	}
	for _, other := range all[1:] {
		if subtle.ConstantTimeCompare([]byte(all[0].Secret), []byte(other.Secret)) != 1 {
			return Credentials{}, false, registry.Errorf(registry.CodeInvalid, "Found more than one set of credentials")
		}
	}
	return all[0], true, nil
}

// queried is a parameter of the query. A query that cannot be read has none.
func queried(r *http.Request, name string) string {
	if r.URL == nil || r.URL.RawQuery == "" {
		return ""
	}
	return r.URL.Query().Get(name)
}

func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func authorization(header string) (Credentials, bool, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer":
		if rest == "" {
			return Credentials{}, false, unauthorized()
		}
		return Credentials{Transport: Bearer, Secret: rest}, true, nil
	case "basic":
		raw, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return Credentials{}, false, unauthorized()
		}
		user, secret, ok := strings.Cut(string(raw), ":")
		if !ok {
			return Credentials{}, false, unauthorized()
		}
		if user == "" || secret == "" {
			return Credentials{}, false, nil // GitLab takes half a pair for none
		}
		return Credentials{Transport: Basic, Username: user, Secret: secret}, true, nil
	}
	return Credentials{}, false, unauthorized()
}

func unauthorized() error { return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized") }

// ProjectRef is a project as a URL names it: by number or by full path. The
// zero ProjectRef names none.
type ProjectRef struct {
	ID   int64
	Path string
}

// GroupRef is a group as a URL names it: by number or by full path. The zero
// GroupRef names none.
type GroupRef struct {
	ID   int64
	Path string
	Root bool // only a group without a parent is meant
}

// ParseGroupRef reads the unescaped :id of a URL. Unlike a project's, a group's
// path may have no slash.
func ParseGroupRef(s string) GroupRef {
	if id, err := strconv.ParseUint(s, 10, 63); err == nil && id > 0 {
		return GroupRef{ID: int64(id)}
	}
	return GroupRef{Path: s}
}

// ParseProjectRef reads the unescaped :id of a URL. As in GitLab, nothing but
// digits is a number, and a name without a slash is no path: it finds nothing.
func ParseProjectRef(s string) ProjectRef {
	// ParseUint takes no sign: "+7" is not another name of 7.
	if id, err := strconv.ParseUint(s, 10, 63); err == nil && id > 0 {
		return ProjectRef{ID: int64(id)}
	}
	if strings.Contains(s, "/") {
		return ProjectRef{Path: s}
	}
	return ProjectRef{}
}
