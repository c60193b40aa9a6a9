package metadata

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pakhus/pakhus/sdk/strictxml"
)

// MaxBytes bounds what is read. GitLab's bound is 10 MB; the metadata of ten
// thousand versions has half of one.
const MaxBytes = 8 << 20

// Metadata is what a client uploads. What the document does not say is empty.
type Metadata struct {
	GroupID, ArtifactID string
	Version             string // of a snapshot
	Versions            []string
	Latest, Release     string
	LastUpdated         time.Time // zero also where it has another form
	Plugins             []GroupPlugin
	SnapshotVersions    []SnapshotFile // Updated is as LastUpdated
	Timestamp           string
	BuildNumber         int64
}

// document is maven-metadata.xml (maven-repository-metadata, metadata.mdo).
type document struct {
	GroupID    strictxml.Text             `xml:"groupId"`
	ArtifactID strictxml.Text             `xml:"artifactId"`
	Version    strictxml.Text             `xml:"version"`
	Versioning strictxml.Once[versioning] `xml:"versioning"`
	Plugins    strictxml.Once[struct {
		Plugin []plugin `xml:"plugin"`
	}] `xml:"plugins"`
}

type versioning struct {
	Latest      strictxml.Text           `xml:"latest"`
	Release     strictxml.Text           `xml:"release"`
	LastUpdated strictxml.Text           `xml:"lastUpdated"`
	Snapshot    strictxml.Once[snapshot] `xml:"snapshot"`
	Versions    strictxml.Once[struct {
		Version []strictxml.Text `xml:"version"`
	}] `xml:"versions"`
	SnapshotVersions strictxml.Once[struct {
		SnapshotVersion []snapshotVersion `xml:"snapshotVersion"`
	}] `xml:"snapshotVersions"`
}

type snapshot struct {
	Timestamp   strictxml.Text `xml:"timestamp"`
	BuildNumber strictxml.Text `xml:"buildNumber"`
}

type snapshotVersion struct {
	Classifier strictxml.Text `xml:"classifier"`
	Extension  strictxml.Text `xml:"extension"`
	Value      strictxml.Text `xml:"value"`
	Updated    strictxml.Text `xml:"updated"`
}

type plugin struct {
	Name       strictxml.Text `xml:"name"`
	Prefix     strictxml.Text `xml:"prefix"`
	ArtifactID strictxml.Text `xml:"artifactId"`
}

// Parse reads what a client uploads. The error is a sentence for who did.
func Parse(data []byte) (Metadata, error) {
	var d document
	if err := strictxml.Unmarshal(data, &d, strictxml.Root("metadata"), strictxml.MaxBytes(MaxBytes), strictxml.HTMLEntities()); err != nil {
		return Metadata{}, fmt.Errorf("the maven-metadata.xml is not valid: %w", err)
	}
	v := &d.Versioning.Value
	m := Metadata{
		GroupID:     d.GroupID.Value,
		ArtifactID:  d.ArtifactID.Value,
		Version:     d.Version.Value,
		Latest:      v.Latest.Value,
		Release:     v.Release.Value,
		LastUpdated: parseTime(v.LastUpdated.Value),
		Timestamp:   v.Snapshot.Value.Timestamp.Value,
	}
	for _, text := range v.Versions.Value.Version {
		m.Versions = append(m.Versions, text.Value)
	}
	for _, p := range d.Plugins.Value.Plugin {
		m.Plugins = append(m.Plugins, GroupPlugin{Name: p.Name.Value, Prefix: p.Prefix.Value, ArtifactID: p.ArtifactID.Value})
	}
	for _, s := range v.SnapshotVersions.Value.SnapshotVersion {
		m.SnapshotVersions = append(m.SnapshotVersions, SnapshotFile{
			Classifier: s.Classifier.Value, Extension: s.Extension.Value, Value: s.Value.Value, Updated: parseTime(s.Updated.Value),
		})
	}
	if number := v.Snapshot.Value.BuildNumber.Value; number != "" {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 {
			return Metadata{}, errors.New("the maven-metadata.xml is not valid: its buildNumber is no number")
		}
		m.BuildNumber = n
	}
	return m, nil
}

func parseTime(text string) time.Time {
	t, err := time.Parse(updatedForm, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
