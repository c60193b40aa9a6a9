package reference

import (
	"fmt"
	"regexp"
	"strings"
)

// The files that every revision has or may have.
const (
	Conanfile = "conanfile.py"
	Manifest  = "conanmanifest.txt"
	Info      = "conaninfo.txt"
)

// maxPath bounds the path of a metadata file.
const maxPath = 512

// The files that are not metadata.
var (
	recipeFile  = regexp.MustCompile(`\A(?:conanfile\.py|conanmanifest\.txt|conan_(?:export|sources)\.(?:tgz|txz|tzst))\z`)
	packageFile = regexp.MustCompile(`\A(?:conaninfo\.txt|conanmanifest\.txt|conan_package\.(?:tgz|txz|tzst))\z`)
)

// RecipeFile checks the path of a recipe's file. The error says what is wrong.
func RecipeFile(path string) error {
	return file(path, recipeFile, "recipe")
}

// PackageFile checks the path of a package's file. The error says what is wrong.
func PackageFile(path string) error {
	return file(path, packageFile, "package")
}

func file(path string, fixed *regexp.Regexp, what string) error {
	if fixed.MatchString(path) {
		return nil
	}
	rest, metadata := strings.CutPrefix(path, "metadata/")
	if !metadata {
		return fmt.Errorf("%q is not a file of a Conan %s", path, what)
	}
	if len(path) > maxPath {
		return fmt.Errorf("the path of a metadata file is longer than %d characters", maxPath)
	}
	for segment := range strings.SplitSeq(rest, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
			return fmt.Errorf("the path %q of a metadata file is invalid", path)
		}
	}
	return nil
}

// IsMetadata reports whether a file is one that comes and changes after its
// revision was published.
func IsMetadata(path string) bool { return strings.HasPrefix(path, "metadata/") }

// Archive returns what an archive is the archive of ("conan_package"), and "" for
// any other file. A revision has one of each, in whichever compression.
func Archive(path string) string {
	for _, extension := range []string{".tgz", ".txz", ".tzst"} {
		if stem, ok := strings.CutSuffix(path, extension); ok && !IsMetadata(path) {
			return stem
		}
	}
	return ""
}

// Archives are the names that an archive may have.
func Archives(stem string) []string { return []string{stem + ".tgz", stem + ".txz", stem + ".tzst"} }
