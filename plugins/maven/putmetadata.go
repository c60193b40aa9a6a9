package maven

import (
	"context"
	"net/http"
	"slices"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/plugins/maven/internal/metadata"
	"github.com/pakhus/pakhus/sdk"
)

// maxCompleted bounds what one document completes.
const maxCompleted = 900

// putMetadata reads the document that a client has put together, and keeps
// nothing of it: see getMetadata. But Maven and Gradle write an artifact's
// document when all of its files are uploaded, so a version that it names is
// complete, whatever is missing: some are deployed without a POM on purpose
// (deploy:deploy-file -DgeneratePom=false), some without the file that their
// packaging promises. A client that merges versions into the document knows only
// those that it was served, and its own.
func putMetadata(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	doc, err := metadata.Parse(r.Body())
	if err != nil {
		return nil, sdk.BadRequest("maven-metadata.xml cannot be read: %v", err)
	}
	path := r.Param("path")
	if name, v, ok := cutSnapshot(path); ok {
		// Gradle writes this one first.
		return sdk.Empty(http.StatusOK), checkPath(name, v, "maven-metadata.xml")
	}
	if _, _, err := layout.ParseName(path); err != nil {
		// A group of one segment has plugins, and no versions.
		return sdk.Empty(http.StatusOK), checkPath("group/"+path, "1", "maven-metadata.xml")
	}
	waiting, err := r.Packages.Find(ctx, sdk.Finder{Name: path, Statuses: []string{sdk.StatusProcessing}})
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan()
	named := append(slices.Clone(doc.Versions), doc.Latest, doc.Release)
	for i, p := range waiting {
		if i < maxCompleted && slices.Contains(named, p.Package.Version) {
			plan.SetStatus(sdk.Existing(p.Package), sdk.StatusDefault, "")
		}
	}
	return sdk.Empty(http.StatusOK).With(plan), nil
}
