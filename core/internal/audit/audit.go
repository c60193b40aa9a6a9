// Package audit keeps who did what with which token from where, and who was
// refused. What it writes is never changed, and ends by its age alone.
//
//	audit.go    what is written of one deed
//	insert.go   how it is written: with the deed, in its transaction
//	refused.go  refusals: in batches, and never more than somebody can keep up with
//	list.go     reading it
//	expire.go   the end of it
//
// No secret is ever part of an event: neither a token nor a password, nor the
// name that somebody typed who could not sign in, which may be either.
package audit

import (
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// Outcome is what became of a deed.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

// The types of entities, GitLab's.
const (
	Project  = "Project"
	Group    = "Group"
	Instance = "Gitlab::Audit::InstanceScope"
)

// Operator is whoever runs commands on the registry's machine. Their username is
// that of the operating system.
const Operator registry.ActorKind = "operator"

// Entity is what a deed is about. The zero Entity is the instance.
type Entity struct {
	Type string
	ID   int64
	Path string
}

// OfProject is a project as an entity; the instance if there is none.
func OfProject(p *registry.Project) Entity {
	if p == nil {
		return Entity{}
	}
	return Entity{Type: Project, ID: p.ID, Path: p.FullPath}
}

// OfGroup is a group as an entity; the instance if there is none.
func OfGroup(g *registry.Group) Entity {
	if g == nil {
		return Entity{}
	}
	return Entity{Type: Group, ID: g.ID, Path: g.FullPath}
}

// Change is one thing that a deed has changed.
type Change struct {
	Type string `json:"type"`           // package.created, token.created, user.signed_in, …
	File string `json:"file,omitempty"` // of a package
	Name string `json:"name,omitempty"` // of a token
}

// Event is one deed, or an attempt at one. Texts are cut to [MaxText] when it is written.
type Event struct {
	At        time.Time // of List; when it is written, the database's clock is asked
	ID        int64     // of List
	RequestID string
	Outcome   Outcome
	Status    int    // of HTTP; 0: a job or a command
	Reason    string // of a refusal
	Method    string
	Action    string // "npm/publish", the pattern of a path, or a command
	Actor     registry.Actor
	// Attempted is the name with which somebody has tried to sign in. It is
	// written if there is a user of that name, and otherwise forgotten.
	Attempted      string
	RemoteAddress  string
	Entity         Entity
	PackageName    string
	PackageVersion string
	Changes        []Change
	// Fields are what was asked for, by name, without secrets.
	Fields map[string]string
}

// TokenKind is what an actor has shown: personal, oauth, deploy, password; empty for
// those who need nothing.
func TokenKind(a registry.Actor) string {
	switch {
	case a.Kind == registry.DeployToken:
		return "deploy"
	case a.OAuth:
		return "oauth"
	case a.Kind == registry.User && a.TokenID != 0:
		return "personal"
	case a.Kind == registry.User:
		return "password"
	}
	return ""
}
