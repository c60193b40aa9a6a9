package authz

import (
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Visible reports whether a project exists, as far as an actor is concerned.
// Where GitLab answers 403 to the anonymous rather than 401, it tells what is
// hidden from what is not theirs.
func Visible(a registry.Actor, project *registry.Project, level registry.AccessLevel) bool {
	return project != nil && sees(relationOf(a, project, level), project)
}

// ShutOut reports whether a project does not let a job in, which is told so: it
// does not see the project, and is not in its job token scope.
func ShutOut(a registry.Actor, project *registry.Project, level registry.AccessLevel) bool {
	return a.Job != nil && project != nil && !a.Job.Reaches(project.ID) && !Visible(a, project, level)
}

// Covers reports whether the scopes of a person's token reach as far as the
// action, whatever the project. It is true of everybody else.
func Covers(a registry.Actor, action spec.Action) bool { return scoped(a, action) }
