package sdk_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pakhus/pakhus/sdk"
)

func TestMigrationsFS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files []string
		names []string
		want  string // of the error
	}{
		{"in order", []string{"m/002_more.sql", "m/001_first.sql"}, []string{"001_first", "002_more"}, ""},
		{"a gap", []string{"m/001_first.sql", "m/003_third.sql"}, nil, "expected number 002"},
		{"not from one", []string{"m/002_more.sql"}, nil, "expected number 001"},
		{"a number twice", []string{"m/001_a.sql", "m/001_b.sql"}, nil, "expected number 002"},
		{"another file", []string{"m/001_first.sql", "m/README.md"}, nil, "README.md is not named"},
		{"no name", []string{"m/001_.sql"}, nil, "001_.sql is not named"},
		{"a folder", []string{"m/001_first.sql/x"}, nil, "is not named"},
		{"a sign", []string{"m/+01_first.sql"}, nil, "is not named"},
		{"no folder", nil, nil, "migrations: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fsys := fstest.MapFS{}
			for _, file := range c.files {
				fsys[file] = &fstest.MapFile{Data: []byte("-- " + file)}
			}
			got, err := sdk.MigrationsFS(fsys, "m")
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, %v; want an error with %q", got, err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, m := range got {
				names = append(names, m.Name)
				if m.SQL != "-- m/"+m.Name+".sql" {
					t.Errorf("%s has the text of another: %s", m.Name, m.SQL)
				}
			}
			if strings.Join(names, " ") != strings.Join(c.names, " ") {
				t.Errorf("%v, want %v", names, c.names)
			}
		})
	}
}
