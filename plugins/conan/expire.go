package conan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

// halfUploads is how long nothing may come for a revision that is not complete.
// An upload that was broken off can be repeated meanwhile; after that its files go.
const halfUploads = 24 * time.Hour

type expireArgs struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Folder  string `json:"folder"` // what the keys of the revision's files begin with
	Seen    string `json:"seen"`   // the files when the job last looked; empty: it never has
}

// watchNew has a revision looked after of which nothing was there before. Files that
// come at once may each have it done: that is cheaper than to look for a job of another.
func watchNew(plan *sdk.Plan, args expireArgs) {
	plan.Enqueue("expire", args, sdk.Delay(halfUploads))
}

// watch has a revision looked after until it is complete, by one job.
func watch(plan *sdk.Plan, args expireArgs) {
	// Of any length: a reference may have 200 characters, and three hashes come to it.
	key := sha256.Sum256([]byte(strings.Join([]string{args.Name, args.Version, args.Folder, args.Seen}, " ")))
	plan.Enqueue("expire", args, sdk.Delay(halfUploads), sdk.UniqueKey(hex.EncodeToString(key[:])))
}

// expire removes the files of a revision that is not complete and that nothing
// has come for since the job last looked.
func expire(ctx context.Context, j *sdk.JobRun) (*sdk.Plan, error) {
	var args expireArgs
	if err := j.Decode(&args); err != nil {
		return nil, err
	}
	found, err := j.Packages.First(ctx, sdk.Finder{
		Name: args.Name, Version: args.Version, Statuses: []string{sdk.StatusDefault, sdk.StatusProcessing},
	})
	if errors.Is(err, sdk.ErrNotFound) {
		return nil, nil //nolint:nilnil // it is gone: nothing to do
	}
	if err != nil {
		return nil, err
	}
	published, err := isPublished(ctx, j, found.Package.ID, args.Folder)
	if err != nil || published {
		return nil, err
	}
	now, err := lookAt(ctx, j.Meta, found.Package.ID, "", args.Folder)
	if err != nil || now.files == "" {
		return nil, err
	}
	plan := sdk.NewPlan()
	if now.files != args.Seen {
		args.Seen = now.files
		watch(plan, args)
		return plan, nil
	}
	plan.Unchanged(found.Package, nil)
	if found.Package.Status == sdk.StatusProcessing && !now.others {
		return plan.DestroyPackage(sdk.Existing(found.Package)), nil
	}
	return plan.DestroyFiles(sdk.Existing(found.Package), args.Folder), nil
}

// isPublished reports whether the revision whose files are in a folder is complete.
func isPublished(ctx context.Context, j *sdk.JobRun, id int64, folder string) (bool, error) {
	parts := strings.Split(folder, "/") // as target.folder makes it
	read := sdk.RowSelect{Table: "recipe_revisions", Where: sdk.Row{"package_id": id, "revision": parts[0]}, Limit: 1}
	if parts[1] == "package" {
		read = sdk.RowSelect{
			Table: "package_revisions", Limit: 1,
			Where: sdk.Row{"package_id": id, "recipe_revision": parts[0], "reference": parts[2], "revision": parts[3]},
		}
	}
	rows, err := j.Meta.Select(ctx, read)
	return len(rows) > 0, err
}

// v1Revision is what clients without revisions upload to.
const v1Revision = "0"

// isV1 reports whether a request is of the protocol without revisions.
func isV1(r *sdk.Request) bool { return strings.HasSuffix(r.RouteID, "_v1") }
