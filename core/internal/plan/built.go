package plan

// builtBy links a package that a CI job publishes to the build info of its run,
// which is of the job's own project. As in GitLab, a run that publishes more into
// a package is linked once.
func (a *applier) builtBy(packageID int64) {
	if job := a.scope.Actor.Job; job != nil && job.BuildID != 0 {
		a.exec(`
			insert into package_build_infos (project_id, package_id, build_info_id)
			select $1, $2, id from build_infos where id = $3
			on conflict do nothing`, a.scope.Project.ID, packageID, job.BuildID)
	}
}

// fileBuiltBy is builtBy for one of its files.
func (a *applier) fileBuiltBy(fileID int64) {
	if job := a.scope.Actor.Job; job != nil && job.BuildID != 0 {
		a.exec(`
			insert into package_file_build_infos (project_id, package_file_id, build_info_id)
			select $1, $2, id from build_infos where id = $3
			on conflict do nothing`, a.scope.Project.ID, fileID, job.BuildID)
	}
}
