package conan

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// newRegistry is an empty registry with the format's unique keys, and with what
// stands for the SQL that uploads and jobs call. What else is asked of the
// database is tested against one.
func newRegistry(t *testing.T) *plugintest.Registry {
	t.Helper()
	return plugintest.New(t, Plugin(), plugintest.State{
		Unique: map[string][][]string{
			"recipes":            {{"package_id"}},
			"recipe_revisions":   {{"package_id", "revision"}},
			"package_references": {{"package_id", "recipe_revision", "reference"}},
			"package_revisions":  {{"package_id", "recipe_revision", "reference", "revision"}},
			"file_metadata":      {{"package_file_id"}},
		},
		Queries: map[string]plugintest.QueryFunc{"state": stateRows, "folder": folderRows},
	})
}

func everyStatus() []string { return []string{"default", "processing"} }

func stateRows(reg *plugintest.Registry, args []any) ([]spec.Row, error) {
	arg := func(i int) string { s, _ := args[i].(string); return s }
	asked := []string{"conanmanifest.txt", "conanfile.py", "conaninfo.txt", "conan_package.tgz", "conan_package.txz", "conan_package.tzst", "conan_export.tgz", "conan_sources.tgz"}
	var rows []spec.Row
	for _, p := range reg.Packages(spec.Finder{Name: arg(0), Version: arg(1), Statuses: everyStatus(), WithFiles: true}) {
		row := spec.Row{"id": p.Package.ID, "status": p.Package.Status, "recipe_complete": false, "package_complete": false, "keys": []string{}}
		for _, r := range reg.Rows("recipe_revisions") {
			if r["package_id"] == p.Package.ID && r["revision"] == arg(2) {
				row["recipe_complete"] = true
			}
		}
		for _, r := range reg.Rows("package_revisions") {
			if r["package_id"] == p.Package.ID && r["recipe_revision"] == arg(2) && r["reference"] == arg(3) && r["revision"] == arg(4) {
				row["package_complete"] = true
			}
		}
		var keys []string
		for _, f := range p.Files {
			if name, in := strings.CutPrefix(f.FileKey, arg(5)); in && slices.Contains(asked, name) {
				keys = append(keys, f.FileKey)
			}
			if f.FileKey == arg(6) {
				row["sha256"] = f.Digests.SHA256
			}
		}
		row["keys"] = keys
		rows = append(rows, row)
	}
	return rows, nil
}

func folderRows(reg *plugintest.Registry, args []any) ([]spec.Row, error) {
	bound := func(i int) string { s, _ := args[i].(string); return s }
	row := spec.Row{"count": int64(0), "last": int64(0), "others": false}
	for _, p := range reg.Packages(spec.Finder{Statuses: everyStatus(), WithFiles: true}) {
		for _, f := range p.Files {
			switch {
			case p.Package.ID != args[0] || f.FileKey < bound(1) || f.FileKey >= bound(2):
			case f.FileKey >= bound(3) && f.FileKey < bound(4):
				count, _ := row["count"].(int64)
				row["count"], row["last"] = count+1, f.ID
			default:
				row["others"] = true
			}
		}
	}
	return []spec.Row{row}, nil
}

const (
	rrev     = "0123456789abcdef0123456789abcdef"
	pid      = "0123456789abcdef0123456789abcdef01234567"
	listing  = "1700000000\nconanfile.py: 0123456789abcdef0123456789abcdef\n"
	recipeAt = "v2/conans/hello/1.0/user/stable/revisions/" + rrev
	pkgAt    = recipeAt + "/packages/" + pid + "/revisions/" + rrev
)

func put(path, body string) plugintest.Request {
	return plugintest.Request{Method: "PUT", Path: path, Body: []byte(body)}
}

func send(t *testing.T, reg *plugintest.Registry, path, body string) plugintest.Result {
	t.Helper()
	result := reg.Send(put(path, body))
	if result.Response.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, result.Response.Status, result.Response.Body)
	}
	return result
}

// TestStory: what each upload of a recipe and a package asks the core to do.
func TestStory(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for i, f := range []struct{ path, body string }{
		{recipeAt + "/files/conanfile.py", "#"},
		{recipeAt + "/files/conanmanifest.txt", listing},
		{recipeAt + "/files/conanmanifest.txt", listing}, // again: nothing to do
		{pkgAt + "/files/conan_package.tgz", "\x1f\x8b\x08"},
		{pkgAt + "/files/conaninfo.txt", "[settings]\nos=Linux\n[recipe_hash]\nabc\n"},
		{pkgAt + "/files/conanmanifest.txt", listing},
		{recipeAt + "/files/metadata/logs/build.log", "log"},
		{"v1/files/old/1.0/_/_/0/export/conanmanifest.txt", listing},
	} {
		name := fileOf(f.path)
		plugintest.Golden(t, "put_"+strconv.Itoa(i)+"_"+name, send(t, reg, f.path, f.body))
	}
	plugintest.Golden(t, "refused", reg.Send(put(recipeAt+"/files/setup.py", "#")))
	plugintest.Golden(t, "ping", reg.Send(plugintest.Request{Path: "v1/ping"}))
	plugintest.Golden(t, "authenticate", reg.Send(plugintest.Request{Path: "v2/users/authenticate"}))
}

func fileOf(p string) string {
	return strings.ReplaceAll(p[strings.LastIndexByte(p, '/')+1:], ".", "_")
}
