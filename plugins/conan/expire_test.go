package conan

import (
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

func everything(reg *plugintest.Registry) (packages, files int) {
	for _, p := range reg.Packages(spec.Finder{Statuses: everyStatus(), WithFiles: true}) {
		packages++
		files += len(p.Files)
	}
	return packages, files
}

func wantStored(t *testing.T, reg *plugintest.Registry, what string, packages, files int) {
	t.Helper()
	if p, f := everything(reg); p != packages || f != files {
		t.Errorf("%s: %d packages with %d files, want %d with %d", what, p, f, packages, files)
	}
}

// TestHalfAnUploadGoes when nothing has come for it between two looks.
func TestHalfAnUploadGoes(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	send(t, reg, recipeAt+"/files/conan_export.tgz", "\x1f\x8b\x08")
	if jobs := reg.Jobs(); len(jobs) != 1 || jobs[0].Delay != halfUploads {
		t.Fatalf("jobs %+v", jobs)
	}
	reg.RunJob()
	wantStored(t, reg, "at first sight", 1, 1)
	send(t, reg, recipeAt+"/files/conanfile.py", "#")
	reg.RunJob()
	wantStored(t, reg, "when more has come", 1, 2)
	reg.RunJobs()
	wantStored(t, reg, "when nothing has come", 0, 0)
}

// TestWhatIsCompleteStays, and with it whatever else is in its recipe.
func TestWhatIsCompleteStays(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	send(t, reg, recipeAt+"/files/conanfile.py", "#")
	send(t, reg, recipeAt+"/files/conanmanifest.txt", listing)
	send(t, reg, recipeAt+"/files/metadata/log", "log")
	send(t, reg, pkgAt+"/files/conan_package.tgz", "\x1f\x8b\x08")
	reg.RunJobs()
	wantStored(t, reg, "the half package is gone", 1, 3)
	send(t, reg, pkgAt+"/files/conan_package.tgz", "\x1f\x8b\x08") // and may come again
	send(t, reg, pkgAt+"/files/conaninfo.txt", "")
	send(t, reg, pkgAt+"/files/conanmanifest.txt", listing)
	reg.RunJobs()
	wantStored(t, reg, "the whole package is there", 1, 6)
}
