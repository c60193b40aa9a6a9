package ratelimit

import (
	"regexp"
	"time"
)

// Name is a throttle's, as GitLab says it in RateLimit-Name.
type Name string

// The throttles. Each request counts in one of the first four at most; Login
// counts failed attempts only.
const (
	UnauthenticatedPackagesAPI Name = "throttle_unauthenticated_packages_api"
	AuthenticatedPackagesAPI   Name = "throttle_authenticated_packages_api"
	UnauthenticatedAPI         Name = "throttle_unauthenticated_api"
	AuthenticatedAPI           Name = "throttle_authenticated_api"
	Login                      Name = "throttle_unauthenticated_protected_paths"
)

// Throttle is how many requests may come in a period.
type Throttle struct {
	Requests int           // at least 1
	Period   time.Duration // whole seconds, at least one
}

// windowAt is when the window began that t lies in: all of them are aligned to
// 1970, as in GitLab, so that no node has to tell another.
func (t Throttle) windowAt(at time.Time) time.Time {
	period := int64(t.Period / time.Second)
	return time.Unix(at.Unix()/period*period, 0)
}

// packagesPath is GitLab's rule of what the packages' own throttles are for. It
// takes a letter after "packages/": the list of a project's packages, and a
// package by its number, are the general API's.
func packagesPath() *regexp.Regexp {
	return regexp.MustCompile(`^/api/v[0-9]+/(?:projects/[^/]+/|groups?/[^/]+/-/)?packages/[A-Za-z]+`)
}
