package maven

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/plugins/maven/internal/metadata"
	"github.com/pakhus/pakhus/plugins/maven/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// snapshot is a snapshot version with what is stored of it: the files of builds,
// each with its timestamp and number, and perhaps files that are called
// "…-SNAPSHOT", of clients that do not number.
type snapshot struct {
	layout.Coordinates

	packaging string
	files     []snapshotFile
}

// snapshotFile is one file, and what its name says.
type snapshotFile struct {
	layout.File

	file sdk.PackageFile
}

// build names one build of a snapshot. Later ones compare greater.
type build struct {
	timestamp string
	number    int64
}

func (b build) compare(other build) int {
	return cmp.Or(cmp.Compare(b.timestamp, other.timestamp), cmp.Compare(b.number, other.number))
}

func (f snapshotFile) build() build { return build{f.Timestamp, f.Build} }

// findSnapshot reads a snapshot. Of several projects that have it, the one with
// the newest build is meant.
func findSnapshot(ctx context.Context, r *sdk.Request, name, v string) (*snapshot, error) {
	found, err := r.Packages.Find(ctx, sdk.Finder{
		Name: name, Version: v, WithFiles: true, WithRows: []sdk.RowSelection{{Table: "metadata", Columns: []string{"packaging"}}},
	})
	if err != nil {
		return nil, err
	}
	var newest *snapshot
	for i := range found {
		s := parseSnapshot(name, v, &found[i])
		if newest == nil || s.last().compare(newest.last()) >= 0 {
			newest = s
		}
	}
	if newest == nil {
		return nil, sdk.NotFound("Package")
	}
	return newest, nil
}

func parseSnapshot(name, v string, found *sdk.FoundPackage) *snapshot {
	groupID, artifactID, _ := layout.ParseName(name)
	s := &snapshot{Coordinates: layout.Coordinates{GroupID: groupID, ArtifactID: artifactID, Version: v}, packaging: packagingOf(found)}
	for _, f := range found.Files {
		if parsed, err := layout.ParseFile(artifactID, v, f.FileName); err == nil {
			s.files = append(s.files, snapshotFile{File: parsed, file: f})
		}
	}
	return s
}

// last is the newest build whose set is complete: with its POM and the file that
// the packaging is about. If there is none, the newest that has a POM; and then
// the newest of all.
func (s *snapshot) last() build {
	type seen struct{ pom, main bool }
	builds := map[build]*seen{}
	extension := mainExtension(s.packaging)
	for _, f := range s.files {
		b := builds[f.build()]
		if b == nil {
			b = &seen{main: extension == ""}
			builds[f.build()] = b
		}
		if f.Classifier == "" {
			b.pom = b.pom || f.Extension == "pom"
			b.main = b.main || f.Extension == extension
		}
	}
	var best build
	for _, fits := range []func(*seen) bool{
		func(b *seen) bool { return b.pom && b.main },
		func(b *seen) bool { return b.pom },
		func(*seen) bool { return true },
	} {
		for b, s := range builds {
			if fits(s) && b.compare(best) > 0 {
				best = b
			}
		}
		if best != (build{}) {
			return best
		}
	}
	return best
}

// newest are the files that resolve to the snapshot: of each classifier and
// extension the newest, but none of a build after the last complete one. A file
// that exists only in such a build is taken all the same: Maven gives the files
// of one deployment different numbers at times (MDEPLOY-493).
func (s *snapshot) newest() []snapshotFile {
	last := s.last()
	kept := map[[2]string]snapshotFile{}
	for _, f := range s.files {
		key := [2]string{f.Classifier, f.Extension}
		other, ok := kept[key]
		if !ok || better(f, other, last) {
			kept[key] = f
		}
	}
	files := make([]snapshotFile, 0, len(kept))
	for _, f := range kept {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b snapshotFile) int {
		return cmp.Or(strings.Compare(a.Classifier, b.Classifier), strings.Compare(a.Extension, b.Extension))
	})
	return files
}

// better reports whether f is to be taken before other: what belongs to a build
// up to the last complete one goes first, and of that the newest.
func better(f, other snapshotFile, last build) bool {
	early, otherEarly := f.Build <= last.number, other.Build <= last.number
	if early != otherEarly {
		return early
	}
	if early {
		return f.build().compare(other.build()) > 0
	}
	return f.build().compare(other.build()) < 0 // of those too new, the oldest
}

// snapshotDocument makes the document of a snapshot's directory. Where no builds
// are numbered there is none: clients then ask for "…-SNAPSHOT" itself.
func snapshotDocument(ctx context.Context, r *sdk.Request, name, v string) ([]byte, time.Time, error) {
	if err := checkPath(name, v, "maven-metadata.xml"); err != nil {
		return nil, time.Time{}, err
	}
	s, err := findSnapshot(ctx, r, name, v)
	if err != nil {
		return nil, time.Time{}, err
	}
	last := s.last()
	if last.number == 0 {
		return nil, time.Time{}, sdk.NotFound("Package")
	}
	doc := metadata.Snapshot{GroupID: s.GroupID, ArtifactID: s.ArtifactID, Version: v, Timestamp: last.timestamp, Build: last.number}
	base := strings.TrimSuffix(v, version.Snapshot)
	for _, f := range s.newest() {
		if f.Build == 0 {
			continue
		}
		doc.Files = append(doc.Files, metadata.SnapshotFile{
			Classifier: f.Classifier, Extension: f.Extension, Updated: f.file.CreatedAt,
			Value: base + f.Timestamp + "-" + strconv.FormatInt(f.Build, 10),
		})
		if f.file.CreatedAt.After(doc.LastUpdated) {
			doc.LastUpdated = f.file.CreatedAt
		}
	}
	data, err := metadata.RenderSnapshot(doc)
	return data, doc.LastUpdated, err
}

type purgeArgs struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// maxPurged is how many files one plan removes; what is left over goes after the
// next deploy.
const maxPurged = 900

// purgeSnapshots removes the files of builds before the newest ones, of which the
// group's settings say how many are kept. A build counts when its POM is there.
// Files without a number stay.
func purgeSnapshots(ctx context.Context, j *sdk.JobRun) (*sdk.Plan, error) {
	var args purgeArgs
	if err := j.Decode(&args); err != nil {
		return nil, err
	}
	if j.Settings.KeepSnapshots <= 0 {
		return nil, nil //nolint:nilnil // the setting was taken back meanwhile
	}
	found, err := j.Packages.Find(ctx, sdk.Finder{Name: args.Name, Version: args.Version, Statuses: anyStatus(), WithFiles: true})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	s := parseSnapshot(args.Name, args.Version, &found[0])
	oldest, ok := s.oldestKept(j.Settings.KeepSnapshots)
	if !ok {
		return nil, nil //nolint:nilnil // there are not more builds than are kept
	}
	plan, removed := sdk.NewPlan(), 0
	for _, f := range s.files {
		if f.Build != 0 && f.build().compare(oldest) < 0 && removed < maxPurged {
			plan.DestroyFile(f.file)
			removed++
		}
	}
	j.Log.Info("old builds of a snapshot are removed", "name", args.Name, "version", args.Version, "files", removed)
	return plan, nil
}

// oldestKept is the oldest of the n newest builds; false if there are no more than n.
func (s *snapshot) oldestKept(n int) (build, bool) {
	var builds []build
	for _, f := range s.files {
		if f.Build != 0 && f.Classifier == "" && f.Extension == "pom" {
			builds = append(builds, f.build())
		}
	}
	slices.SortFunc(builds, func(a, b build) int { return b.compare(a) })
	if len(builds) <= n {
		return build{}, false
	}
	return builds[n-1], true
}
