package layout

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pakhus/pakhus/plugins/maven/internal/version"
)

// ErrForeign is of a file that does not have its artifact's id and version in its
// name. It may still be stored: Ivy, for one, puts ivy-1.0.xml beside the others.
var ErrForeign = errors.New("the file is not named after its artifact and version")

// File is what the name of an artifact's file says.
type File struct {
	Timestamp  string // of a snapshot's build, "20250311.083409"; else empty
	Build      int64  // of a snapshot's build; else 0
	Classifier string // "sources"; may be empty
	Extension  string // "jar", "tar.gz", "jar.asc"; may be empty, as Maven allows
}

// ParseFile reads the name of a file in a version's directory (see Maven's
// layout.md): artifact-version[-classifier][.extension]. In a snapshot's directory
// the version is its own ("1.0-SNAPSHOT") or that of a build
// ("1.0-20250311.083409-1"). Names of checksum files are to be split first.
//
// The name alone does not say where a classifier with dots in it ends: the
// extension is then the last part, with what belongs to it ("tar.gz", "jar.asc").
//
// The error is [ErrForeign], or a sentence on a build that cannot be.
func ParseFile(artifactID, v, fileName string) (File, error) {
	var f File
	rest, ok := strings.CutPrefix(fileName, artifactID+"-")
	if !ok {
		return File{}, ErrForeign
	}
	rest, ok = strings.CutPrefix(rest, v)
	if base, snapshot := strings.CutSuffix(v, version.Snapshot); !ok && snapshot {
		var err error
		if rest, err = f.cutBuild(base, strings.TrimPrefix(fileName, artifactID+"-")); err != nil {
			return File{}, err
		}
		ok = true
	}
	if !ok || !f.split(rest) {
		return File{}, ErrForeign
	}
	return f, nil
}

// cutBuild reads a build's version: the snapshot's, with the build in place of SNAPSHOT.
func (f *File) cutBuild(base, s string) (rest string, err error) {
	s, ok := strings.CutPrefix(s, base)
	if !ok || !looksLikeBuild(s) {
		return "", ErrForeign
	}
	f.Timestamp, f.Build, rest, ok = version.CutBuild(s)
	if !ok {
		return "", fmt.Errorf("the snapshot %q has a timestamp that is no date and time, or a build number out of bounds", s)
	}
	return rest, nil
}

// looksLikeBuild reports whether s begins like "20250311.083409-1", whatever the digits.
func looksLikeBuild(s string) bool {
	const form = "dddddddd.dddddd-d"
	if len(s) < len(form) {
		return false
	}
	for i := range len(form) {
		if digit := s[i] >= '0' && s[i] <= '9'; form[i] == 'd' && !digit || form[i] != 'd' && s[i] != form[i] {
			return false
		}
	}
	return true
}

// split reads [-classifier][.extension].
func (f *File) split(s string) bool {
	if s == "" {
		return true
	}
	if extension, ok := strings.CutPrefix(s, "."); ok {
		f.Extension = extension
		return extension != ""
	}
	classified, ok := strings.CutPrefix(s, "-")
	if !ok {
		return false
	}
	f.Classifier, f.Extension = cutExtension(classified)
	return f.Classifier != "" && !strings.HasSuffix(s, ".")
}

// signatures end the name of what they sign.
func signatures() []string { return []string{".asc", ".sigstore", ".sigstore.json"} }

// cutExtension cuts the last part off, with what belongs to it.
func cutExtension(s string) (rest, extension string) {
	for _, signature := range signatures() {
		signed, ok := strings.CutSuffix(s, signature)
		if !ok {
			continue
		}
		if rest, extension = cutExtension(signed); extension != "" {
			return rest, extension + signature
		}
		return signed, signature[1:]
	}
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return s, ""
	}
	// tar.gz, tar.bz2, and what will be invented.
	if rest, ok := strings.CutSuffix(s[:dot], ".tar"); ok {
		return rest, s[len(rest)+1:]
	}
	return s[:dot], s[dot+1:]
}
