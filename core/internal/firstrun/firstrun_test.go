package firstrun_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/firstrun"
	"github.com/pakhus/pakhus/core/internal/pgtest"
)

func TestTheFirstRunIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	db, dir := pgtest.New(t), t.TempDir()
	first, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x")
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	path := filepath.Join(dir, firstrun.FileName)
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatal(fi, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var written firstrun.Result
	if err := json.Unmarshal(data, &written); err != nil || written != *first {
		t.Fatalf("%+v, %v", written, err)
	}
	c, err := auth.New(db.Pool).Resolve(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: first.Token}, true, auth.ProjectRef{Path: first.ProjectPath})
	if err != nil || !c.Actor.Admin || c.Project.ID != first.ProjectID {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := auth.New(db.Pool).Login(t.Context(), first.Username, first.Password); err != nil {
		t.Fatal(err)
	}
	if again, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x"); again != nil || err != nil {
		t.Fatal(again, err)
	}
}

// A first run whose file cannot be written has not happened.
func TestWithoutItsFileTheFirstRunHasNotHappened(t *testing.T) {
	t.Parallel()
	db, dir := pgtest.New(t), t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := firstrun.Run(t.Context(), db.Pool, blocked, "http://x"); err == nil {
		t.Fatal("it wrote below a file")
	}
	if first, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x"); first == nil || err != nil {
		t.Fatal(first, err)
	}
}
