// Package registry holds the nouns of the registry and their rules. It does no I/O.
package registry

import (
	"slices"
	"time"
)

// Visibility is who may see a project or group. The names are GitLab's.
type Visibility string

// The visibilities.
const (
	Private  Visibility = "private"  // members
	Internal Visibility = "internal" // anybody signed in
	Public   Visibility = "public"   // anybody
)

// Wider reports whether more people see what is v than what is other.
func (v Visibility) Wider(other Visibility) bool { return v.breadth() > other.breadth() }

func (v Visibility) breadth() int {
	return slices.Index([]Visibility{Private, Internal, Public}, v)
}

// AccessLevel is a member's role, with GitLab's numbers.
type AccessLevel int

// The roles. NoAccess is not stored: it is what a stranger has.
const (
	NoAccess   AccessLevel = 0
	Guest      AccessLevel = 10
	Planner    AccessLevel = 15
	Reporter   AccessLevel = 20
	Developer  AccessLevel = 30
	Maintainer AccessLevel = 40
	Owner      AccessLevel = 50
)

// PackageAccess is a project's package_registry_access_level.
type PackageAccess string

// The package access levels.
const (
	PackagesDisabled PackageAccess = "disabled" // nobody, not even members
	PackagesPrivate  PackageAccess = "private"  // members only
	PackagesEnabled  PackageAccess = "enabled"  // as the project's visibility says
	PackagesPublic   PackageAccess = "public"   // anyone may pull
)

// Group is a namespace of projects and further groups.
type Group struct {
	ID          int64
	ParentID    int64 // 0 at the root
	Path        string
	FullPath    string
	Name        string
	Visibility  Visibility
	AncestorIDs []int64 // from the root down to the group itself
}

// Project holds packages.
type Project struct {
	ID                    int64
	GroupID               int64
	GroupAncestorIDs      []int64 // of its group, from the root down
	Path                  string
	FullPath              string
	Name                  string
	Visibility            Visibility
	PackageAccess         PackageAccess
	Archived              bool // nothing in it is changed any more
	AllowReuseAfterDelete bool // its own setting, or that of the nearest group above that has one
	// PackageSettings by format: its own, or those of the nearest group above that decides anything.
	PackageSettings map[string]PackageSettings
}

// PackageSettings are what a project or a group decides for the packages of one
// format. The zero value decides nothing.
type PackageSettings struct {
	Decided            bool   // false: nobody decides anything for this format
	RefuseDuplicates   bool   // GitLab's <format>_duplicates_allowed, turned round
	DuplicateException string // GitLab's <format>_duplicate_exception_regex
	KeepSnapshots      int    // builds of a snapshot that are kept; 0: all
	MaxFileSize        int64  // of one file, in bytes; 0: what the registry or the format allows
}

// Standing is a project, and an actor's highest role on it or a group above it.
type Standing struct {
	Project Project
	Level   AccessLevel
}

// PackageStatus is a package's state. The names are GitLab's, in the API and in the database.
type PackageStatus string

// The statuses.
const (
	StatusDefault            PackageStatus = "default"
	StatusHidden             PackageStatus = "hidden" // served, not listed
	StatusProcessing         PackageStatus = "processing"
	StatusError              PackageStatus = "error" // listed, not served
	StatusPendingDestruction PackageStatus = "pending_destruction"
	StatusDeprecated         PackageStatus = "deprecated"
)

// Installable returns the statuses that package clients are served.
func Installable() []string {
	return []string{string(StatusDefault), string(StatusHidden), string(StatusDeprecated)}
}

// Displayable returns the statuses that lists of packages show unless asked for another.
func Displayable() []string {
	return []string{string(StatusDefault), string(StatusError), string(StatusDeprecated)}
}

// Detailed reports whether a package of that status can be looked at by itself:
// it is both listed and served.
func (s PackageStatus) Detailed() bool {
	return slices.Contains(Displayable(), string(s)) && slices.Contains(Installable(), string(s))
}

// Statuses returns all statuses.
func Statuses() []string {
	return []string{
		string(StatusDefault), string(StatusHidden), string(StatusProcessing), string(StatusError),
		string(StatusPendingDestruction), string(StatusDeprecated),
	}
}

// Valid reports whether s is one of the statuses.
func (s PackageStatus) Valid() bool { return slices.Contains(Statuses(), string(s)) }

// ActorKind tells people from tokens that act for themselves.
type ActorKind string

// The kinds of actor.
const (
	Anonymous   ActorKind = "anonymous"
	User        ActorKind = "user"
	DeployToken ActorKind = "deploy_token"
	System      ActorKind = "system" // the registry itself: jobs and events
)

// Scope is what a token was given. The names are GitLab's.
type Scope string

// The scopes.
const (
	ScopeAPI                  Scope = "api"
	ScopeReadAPI              Scope = "read_api"
	ScopeReadPackageRegistry  Scope = "read_package_registry"
	ScopeWritePackageRegistry Scope = "write_package_registry"
)

// Actor is who sent a request, whatever the transport of the credentials.
// The zero Actor is nobody: it has no kind and may do nothing.
type Actor struct {
	Kind      ActorKind
	UserID    int64 // of a user
	TokenID   int64 // of the token used; 0 for anonymous and for passwords
	ParentID  int64 // of the token that TokenID was made with; 0: with none
	Username  string
	Admin     bool
	Bot       bool // of a project or group access token: nobody who could be asked
	OAuth     bool // the token is an application's, which acts for its user
	Scopes    []Scope
	ExpiresAt time.Time // of the credential; zero: never

	// A deploy token's home: exactly one is set.
	ProjectID int64
	GroupID   int64
}

// OwnTokenID is the token that was given out to the actor: the one used, or the
// one that a client had that made for itself.
func (a Actor) OwnTokenID() int64 {
	if a.ParentID != 0 {
		return a.ParentID
	}
	return a.TokenID
}

// Has reports whether the actor's credential carries the scope.
func (a Actor) Has(s Scope) bool { return slices.Contains(a.Scopes, s) }
