package registry

import "slices"

// Job is what an actor with a job token has beyond its bot: the project that the
// job is of, and what its packages are said to come from.
type Job struct {
	ProjectID   int64
	ProjectPath string // full
	PublisherID int64  // of the rule that let the job in
	BuildID     int64  // of the build info; 0: there is none any more
	// Within are, of the projects that the request is about, those that let the
	// job's project in: its own, and those whose job token scope has it.
	Within []int64
}

// Reaches reports whether a project lets the job in with the roles of its bot.
func (j *Job) Reaches(projectID int64) bool {
	return projectID == j.ProjectID || slices.Contains(j.Within, projectID)
}
