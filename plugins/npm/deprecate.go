package npm

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
)

// maxChanges is how many versions one request changes: what a plan holds.
const maxChanges = 900

// maxMessage bounds the text of a deprecation.
const maxMessage = 2 << 10

// deprecate takes the whole packument as "npm deprecate" sends it back, and
// looks at the versions that carry the key: a text deprecates, an empty one
// lifts it, versions without the key stay as they are.
func deprecate(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	messages, err := parseDeprecations(r)
	if err != nil {
		return nil, err
	}
	versions, err := r.Packages.Find(ctx, sdk.Finder{Name: r.Param("name")})
	if err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, sdk.ErrNotFound
	}
	plan, changes := sdk.NewPlan(), 0
	for _, v := range versions {
		message, given := messages[v.Package.Version]
		if !given || message == v.Package.StatusMessage {
			continue
		}
		status := sdk.StatusDeprecated
		if message == "" {
			status = sdk.StatusDefault
		}
		plan.SetStatus(sdk.Existing(v.Package), status, message)
		if changes++; changes > maxChanges {
			return nil, sdk.BadRequest("More than %d versions would change; name fewer at a time", maxChanges)
		}
	}
	return sdk.JSON(http.StatusOK, map[string]bool{"ok": true}).With(plan), nil
}

func parseDeprecations(r *sdk.Request) (map[string]string, error) {
	var doc struct {
		Name     string `json:"name"`
		Versions map[string]struct {
			Deprecated jsontext.Value `json:"deprecated"`
		} `json:"versions"`
	}
	if err := r.JSON(&doc); err != nil {
		return nil, err
	}
	if doc.Name != "" && doc.Name != r.Param("name") {
		return nil, sdk.BadRequest("The name %q in the document is not %q, the package that the URL names", doc.Name, r.Param("name"))
	}
	messages := map[string]string{}
	for version, object := range doc.Versions {
		switch object.Deprecated.Kind() {
		case 0, 'n':
			continue // not there, or null
		case '"':
		case 'f':
			messages[version] = ""
			continue
		default:
			return nil, sdk.BadRequest("deprecated of version %q is not a text", version)
		}
		message := textOf(object.Deprecated)
		if len(message) > maxMessage {
			return nil, sdk.BadRequest("deprecated of version %q is longer than %d bytes", version, maxMessage)
		}
		messages[version] = message
	}
	if len(messages) == 0 {
		return nil, sdk.BadRequest(`400 Bad request - "package versions to deprecate" not given`)
	}
	return messages, nil
}
