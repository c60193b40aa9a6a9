package conan

import (
	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
	"github.com/pakhus/pakhus/sdk"
)

// target is what a request is about: a recipe, and as far as the route says so one
// of its revisions, a package of that, and one of the package's revisions. What
// the route does not name is empty.
type target struct {
	reference.Reference

	revision        string
	packageID       string
	packageRevision string
}

// targetOf reads the path.
func targetOf(r *sdk.Request) (target, error) {
	ref, err := reference.Parse(r.Param("name"), r.Param("version"), r.Param("user"), r.Param("channel"))
	if err != nil {
		return target{}, sdk.BadRequest("%v", err)
	}
	t := target{Reference: ref}
	for _, part := range []struct {
		text  string
		check func(string) (string, error)
		into  *string
	}{
		{r.Param("revision"), reference.Revision, &t.revision},
		{r.Param("reference"), reference.PackageID, &t.packageID},
		{r.Param("package_revision"), reference.Revision, &t.packageRevision},
	} {
		if part.text == "" {
			continue
		}
		if *part.into, err = part.check(part.text); err != nil {
			return target{}, sdk.BadRequest("%v", err)
		}
	}
	return t, nil
}

// ofPackage reports whether the target is a package, not a recipe.
func (t target) ofPackage() bool { return t.packageID != "" }

// folder is what the keys of the target's files begin with.
func (t target) folder() string {
	if t.ofPackage() {
		return t.revision + "/package/" + t.packageID + "/" + t.packageRevision + "/"
	}
	return t.revision + "/export/"
}

// checkFile refuses a path that is no file of a recipe, or of a package.
func (t target) checkFile(path string) error {
	check := reference.RecipeFile
	if t.ofPackage() {
		check = reference.PackageFile
	}
	if err := check(path); err != nil {
		return sdk.BadRequest("%v", err)
	}
	return nil
}

// required are the files without which a revision of a recipe, or of a package,
// is not complete; of each list one is enough. The manifest is what clients send
// last, but they send it too when a file before it has failed.
func required(ofPackage bool) [][]string {
	if ofPackage {
		return [][]string{{reference.Manifest}, {reference.Info}, reference.Archives("conan_package")}
	}
	return [][]string{{reference.Manifest}, {reference.Conanfile}}
}

// required are the keys of the files without which the target's revision is not
// complete.
func (t target) required() [][]string {
	files := required(t.ofPackage())
	for _, either := range files {
		for i := range either {
			either[i] = t.folder() + either[i]
		}
	}
	return files
}
