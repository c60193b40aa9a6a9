package nuget

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

// removePackage is "nuget delete": the version goes, as in GitLab. With ?unlist=true it
// stays, and only search does not show it any more (nuget.org's meaning of it).
func removePackage(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	found, err := stored(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := unmodified(r, found.Package); err != nil {
		return nil, err
	}
	plan := sdk.NewPlan().Unchanged(found.Package, nil)
	if r.Query("unlist") == "true" {
		plan.SetStatus(sdk.Existing(found.Package), sdk.StatusHidden, "")
	} else {
		plan.DestroyPackage(sdk.Existing(found.Package))
	}
	return sdk.Empty(http.StatusNoContent).With(plan), nil
}

// unmodified refuses to delete what has changed since the client looked (RFC 9110
// §13.1.4): as in GitLab.
func unmodified(r *sdk.Request, p sdk.Package) error {
	since, err := http.ParseTime(r.Header("If-Unmodified-Since"))
	if err != nil || !p.UpdatedAt.Truncate(time.Second).After(since) {
		return nil //nolint:nilerr // a date that is none is ignored, as the RFC says
	}
	return sdk.Problem(http.StatusPreconditionFailed, "%s %s has changed since %s", p.Name, p.Version, since.UTC().Format(time.RFC3339))
}

// relistPackage shows a version again that was not listed.
func relistPackage(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	found, err := stored(ctx, r)
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan()
	if found.Package.Status == sdk.StatusHidden {
		plan.SetStatus(sdk.Existing(found.Package), sdk.StatusDefault, "")
	}
	return sdk.Empty(http.StatusOK).With(plan), nil
}

// stored finds the version that the path names, listed or not.
func stored(ctx context.Context, r *sdk.Request) (sdk.FoundPackage, error) {
	id, err := idOf(r)
	if err != nil {
		return sdk.FoundPackage{}, err
	}
	v, err := versionOf(r)
	if err != nil {
		return sdk.FoundPackage{}, err
	}
	found, err := r.Packages.First(ctx, sdk.Finder{Name: id, Version: v.Key(), Statuses: anyStatus()})
	if errors.Is(err, sdk.ErrNotFound) {
		return found, sdk.NotFound("Package")
	}
	return found, err
}
