package conan

import (
	"context"
	"encoding/hex"
	stdjson "encoding/json"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/plugins/conan/internal/conaninfo"
	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
	"github.com/pakhus/pakhus/sdk"
)

// notByDigest has the client send the bytes.
func notByDigest(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return nil, sdk.NotFound("File")
}

// putFile stores a file of a revision: parse → check → plan.
func putFile(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, path, err := parsePut(r)
	if err != nil {
		return nil, err
	}
	upload, err := r.File()
	if err != nil {
		return nil, err
	}
	if err := checkDigest(r, upload); err != nil {
		return nil, err
	}
	text, err := guard(ctx, r, path, upload)
	if err != nil {
		return nil, err
	}
	s, err := stateOf(ctx, r, t, t.folder()+path)
	if err != nil {
		return nil, err
	}
	if t.ofPackage() && !s.recipeComplete {
		return nil, sdk.NotFound("Recipe revision " + t.String() + "#" + t.revision)
	}
	if s.same(upload) && s.complete(t) {
		return sdk.Empty(http.StatusOK), nil // a client whose answer was lost, or --force
	}
	plan, err := t.plan(s, upload, path, text)
	if err != nil {
		return nil, err
	}
	return sdk.Empty(http.StatusOK).With(plan), nil
}

// parsePut reads the path. Clients without revisions upload one, "0".
func parsePut(r *sdk.Request) (target, string, error) {
	t, err := targetOf(r)
	if err != nil {
		return target{}, "", err
	}
	path := r.Param("path")
	if err := t.checkFile(path); err != nil {
		return target{}, "", err
	}
	if isV1(r) {
		uploaded := t.revision
		if t.ofPackage() {
			uploaded = t.packageRevision // its recipe may be a revision of Conan 2: see uploadURLs
		}
		if uploaded != v1Revision {
			return target{}, "", sdk.BadRequest("a client without revisions uploads to the revision %s", v1Revision)
		}
		if reference.IsMetadata(path) {
			return target{}, "", sdk.BadRequest("a client without revisions has no metadata files")
		}
	}
	return t, path, nil
}

// checkDigest compares what has come with what the client says that it has sent.
func checkDigest(r *sdk.Request, u sdk.Upload) error {
	said := r.Header("X-Checksum-Sha1")
	if said == "" {
		return nil
	}
	if got := hex.EncodeToString(u.Digests.SHA1); !strings.EqualFold(said, got) {
		return sdk.BadRequest("the file's SHA-1 is %s, not %s as the request says", got, said)
	}
	return nil
}

// plan stores the file, what it says, and the revision's completion if this file
// is what was missing.
func (t target) plan(s state, upload sdk.Upload, path, text string) (*sdk.Plan, error) {
	plan := sdk.NewPlan()
	pkg := t.store(plan, s, upload, path)
	if t.ofPackage() {
		row, err := t.packageRow(path, text)
		if err != nil {
			return nil, err
		}
		plan.Upsert("package_references", pkg, row, "package_id", "recipe_revision", "reference")
	}
	missing, there := s.missing(t, t.folder()+path)
	switch {
	case s.complete(t):
		// Unless somebody removes it meanwhile: then this is a file of nothing.
		watch(plan, expireArgs{Name: t.Key(), Version: t.Version, Folder: t.folder()})
	case len(missing) > 0:
		t.wait(plan, s, missing)
	default:
		t.publish(plan, pkg, there)
	}
	return plan, nil
}

// store makes the recipe's package, if need be, and the file in it.
func (t target) store(plan *sdk.Plan, s state, upload sdk.Upload, path string) sdk.Ref {
	// A revision is a hash of its contents: what was removed may come again.
	pkg := plan.CreatePackage(t.Name, t.Version, sdk.Keys(t.Key(), t.Version), sdk.Reuse(), sdk.Processing(), sdk.TakeReserved())
	if s.id == 0 {
		plan.Upsert("recipes", pkg, sdk.Row{"name": t.Name, "version": t.Version, "username": t.User, "channel": t.Channel}, "package_id")
	} else {
		plan.RowPresent("recipes", sdk.Row{"package_id": s.id}, nil) // or it is another recipe by now, of which nothing is known
	}
	options := []sdk.FileOption{sdk.FileKey(t.folder() + path)}
	if s.sha256 != nil { // whoever comes at the same time meets the first one's key, and sees it then
		options = append(options, sdk.Replace())
	}
	file := plan.AttachFile(pkg, upload, path, options...)
	plan.UpsertFile("file_metadata", file, sdk.Row{
		"recipe_revision": t.revision, "reference": t.packageID, "package_revision": t.packageRevision, "path": path,
	})
	return pkg
}

// wait leaves the revision incomplete. Whoever comes second sees the first: see
// docs/adr/0008.
func (t target) wait(plan *sdk.Plan, s state, missing []string) {
	for _, k := range missing {
		plan.FileAbsent(t.Key(), t.Version, k, nil)
	}
	if len(s.keys) == 0 { // or somebody who came before watches
		watchNew(plan, expireArgs{Name: t.Key(), Version: t.Version, Folder: t.folder()})
	}
}

// publish completes the revision, if the required files that were there still are.
func (t target) publish(plan *sdk.Plan, pkg sdk.Ref, there []string) {
	for _, k := range there {
		plan.FilePresent(t.Key(), t.Version, k, nil)
	}
	if t.ofPackage() {
		plan.Upsert("package_revisions", pkg, sdk.Row{
			"recipe_revision": t.revision, "reference": t.packageID, "revision": t.packageRevision,
		}, "package_id", "recipe_revision", "reference", "revision")
		return
	}
	plan.Upsert("recipe_revisions", pkg, sdk.Row{"revision": t.revision}, "package_id", "revision")
	// Whatever it was when the state was read: a removal of the last one may come between.
	plan.SetStatus(pkg, sdk.StatusDefault, "")
}

// packageRow is what is kept of a package, with what its description says if the
// file is that. A description that cannot be read is no reason to refuse the
// package: it is then found, and nothing is said of it.
func (t target) packageRow(path, text string) (sdk.Row, error) {
	row := sdk.Row{"recipe_revision": t.revision, "reference": t.packageID}
	if path != reference.Info {
		return row, nil
	}
	info, err := json.Marshal(conaninfo.Parse(text), json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	row["info"], row["content"] = stdjson.RawMessage(info), text
	return row, nil
}
