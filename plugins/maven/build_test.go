package maven

import (
	"archive/zip"
	"bytes"
	"fmt"
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// newRegistry is an empty registry with the format's unique keys, and with what
// stands for its SQL.
func newRegistry(t *testing.T, settings spec.PackageSettings) *plugintest.Registry {
	t.Helper()
	return plugintest.New(t, Plugin(), plugintest.State{
		Settings: settings,
		Unique:   map[string][][]string{"metadata": {{"package_id"}}, "plugins": {{"package_id"}}},
		Queries:  map[string]plugintest.QueryFunc{"versions": versionRows, "plugins": pluginRows},
	})
}

func versionRows(reg *plugintest.Registry, args []any) ([]spec.Row, error) {
	var versions []string
	row := spec.Row{}
	for _, p := range reg.Packages(spec.Finder{Name: fmt.Sprint(args[0])}) {
		versions = append(versions, p.Package.Version)
		row["updated_at"] = p.Package.UpdatedAt
	}
	if versions == nil {
		return nil, nil
	}
	row["versions"] = versions
	return []spec.Row{row}, nil
}

func pluginRows(reg *plugintest.Registry, args []any) ([]spec.Row, error) {
	var rows []spec.Row
	for _, p := range reg.Packages(spec.Finder{WithRows: []spec.RowSelection{{Table: "plugins"}}}) {
		for _, row := range p.Rows["plugins"] {
			if row["group_id"] == args[0] {
				row["updated_at"] = p.Package.UpdatedAt
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// jar is a zip of some members, whose bytes are the same with every Go.
func jar(t *testing.T, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(members); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(members[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pomOfApp is the POM of com.example:app.
func pomOfApp(version, more string) []byte {
	return []byte(`<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>com.example</groupId>` +
		`<artifactId>app</artifactId><version>` + version + `</version>` + more + `</project>`)
}

func put(path string, body []byte) plugintest.Request {
	return plugintest.Request{Method: "PUT", Path: path, Body: body}
}

func get(path string) plugintest.Request { return plugintest.Request{Path: path} }
