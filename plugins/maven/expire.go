package maven

import (
	"context"
	"errors"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

// halfUploads is how long nothing may come for a version that is not complete. A
// deploy that was broken off can be repeated meanwhile; after that its files go.
const halfUploads = 24 * time.Hour

type expireArgs struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Seen    int64  `json:"seen"` // the lock version when the job last looked; 0: it never has
}

// watch has a new version looked after until it is complete. Nothing makes two
// jobs of one version one: there are two only where one was removed and deployed
// anew meanwhile, and to look for the other would cost every deploy.
func watch(plan *sdk.Plan, args expireArgs) {
	plan.Enqueue("expire", args, sdk.Delay(halfUploads))
}

// expire removes a version that is not complete and that nothing has come for
// since the job last looked. There is no clock in it: what an upload changes is
// the package's lock version.
func expire(ctx context.Context, j *sdk.JobRun) (*sdk.Plan, error) {
	var args expireArgs
	if err := j.Decode(&args); err != nil {
		return nil, err
	}
	found, err := j.Packages.First(ctx, sdk.Finder{Name: args.Name, Version: args.Version, Statuses: []string{sdk.StatusProcessing}})
	if errors.Is(err, sdk.ErrNotFound) {
		return nil, nil //nolint:nilnil // it became complete, or is gone: nothing to do
	}
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan()
	if args.Seen != found.Package.LockVersion {
		args.Seen = found.Package.LockVersion
		watch(plan, args)
		return plan, nil
	}
	j.Log.Info("a version did not become complete and is removed", "name", args.Name, "version", args.Version)
	return plan.Unchanged(found.Package, nil).DestroyPackage(sdk.Existing(found.Package)), nil
}
