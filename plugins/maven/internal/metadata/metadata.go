// Package metadata writes and reads maven-metadata.xml.
//
// There is one for each of three levels. A group's says which plugins are in it
// and their prefixes; an artifact's, which versions there are; a snapshot
// version's, which build is the newest of each file. As a group and an artifact
// may have one path ("org/foo/bar" is the artifact bar of org.foo, and the group
// org.foo.bar), one document may be of both.
package metadata

import "time"

// Artifact is what the metadata of an artifact says.
type Artifact struct {
	GroupID, ArtifactID string
	Versions            []string // in any order
	LastUpdated         time.Time
}

// Group is what the metadata of a group says.
type Group struct{ Plugins []GroupPlugin }

// GroupPlugin is one plugin of a group. Its name may be empty.
type GroupPlugin struct{ Name, Prefix, ArtifactID string }

// Snapshot is what the metadata of a snapshot version says.
type Snapshot struct {
	GroupID, ArtifactID string
	Version             string // the directory's: "1.0-SNAPSHOT"
	Timestamp           string // of the newest build, "20250311.083409"; empty if none has one
	Build               int64  // its number
	LastUpdated         time.Time
	Files               []SnapshotFile // in any order, at most one of each classifier and extension
}

// SnapshotFile is the newest file of a classifier and an extension.
type SnapshotFile struct {
	Classifier, Extension string
	Value                 string // its version: "1.0-20250311.083409-1"
	Updated               time.Time
}

// updatedForm is that of lastUpdated and updated, in UTC.
const updatedForm = "20060102150405"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(updatedForm)
}
