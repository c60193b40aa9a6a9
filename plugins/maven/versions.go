package maven

import (
	"strings"

	"github.com/pakhus/pakhus/sdk"
)

// A deploy is many requests, in any order and several at a time, and nothing
// says that it is over. A version is served when its set is complete: when its
// POM is stored, and the file that the POM's packaging is about. Until then it has
// the status "processing", which hides it from everything but further uploads.
//
// What is stored of a version decides alone: not the order of uploads, and no
// process that may die. Whichever of the two files is committed second completes
// the version: each plan that does not depends on the other file being absent,
// and is made anew if it is not (sdk.Plan.FileAbsent).

// anyStatus are the statuses that uploads see.
func anyStatus() []string {
	return []string{sdk.StatusDefault, sdk.StatusHidden, sdk.StatusDeprecated, sdk.StatusProcessing, sdk.StatusError}
}

// versionFinder finds a version, complete or not, with what is known of it.
func versionFinder(name, version string) sdk.Finder {
	return sdk.Finder{
		Name: name, Version: version, Statuses: anyStatus(),
		WithRows: []sdk.RowSelection{{Table: "metadata", Columns: []string{"packaging"}}},
	}
}

// fileFinder finds a version, complete or not, if it has a file.
func fileFinder(name, version, file string) sdk.Finder {
	return sdk.Finder{Name: name, Version: version, FileName: file, Statuses: anyStatus(), WithFiles: true}
}

// mainExtension is the extension of the file that a packaging is about; empty
// for packagings that are a POM alone, and for those of unknown plugins, whose
// POM is all that can be waited for. The table is Maven's
// (maven-core's default-bindings and artifact handlers), and what Gradle and
// well-known plugins write.
func mainExtension(packaging string) string {
	switch packaging {
	case "jar", "maven-plugin", "ejb", "bundle", "eclipse-plugin", "maven-archetype", "takari-jar", "takari-maven-plugin", "test-jar":
		return "jar"
	case "war", "ear", "rar", "aar", "zip", "klib":
		return packaging
	}
	return ""
}

// packagingOf is what the stored POM of a version says; empty if there is none.
func packagingOf(found *sdk.FoundPackage) string {
	for _, row := range found.Rows["metadata"] {
		packaging, _ := row["packaging"].(string)
		return packaging
	}
	return ""
}

// pomOf is the POM of the set that a file is the main file of: "app-1.0.pom" of
// "app-1.0.jar"; of a snapshot, that of the same build.
func pomOf(file, extension string) string {
	return strings.TrimSuffix(file, extension) + "pom"
}

// mainOf is the main file of the set that a POM is of.
func mainOf(pom, extension string) string {
	return strings.TrimSuffix(pom, "pom") + extension
}
