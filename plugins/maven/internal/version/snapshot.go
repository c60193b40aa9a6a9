package version

import (
	"strconv"
	"strings"
	"time"
)

// Snapshot ends the version of a snapshot's directory.
const Snapshot = "SNAPSHOT"

// timestampForm is Maven's: in UTC, to the second.
const timestampForm = "20060102.150405"

// IsSnapshot reports whether Maven takes a version for a snapshot, by the rule of
// its resolver (AbstractArtifact.isSnapshot), which tells upper from lower case:
// "1.0-SNAPSHOT", "1.0SNAPSHOT", and [IsTimestamped] ones.
func IsSnapshot(v string) bool { return strings.HasSuffix(v, Snapshot) || IsTimestamped(v) }

// IsTimestamped reports whether a version is that of one build of a snapshot:
// "1.0-20250311.083409-1". Clients ask for its files in the directory of
// "1.0-SNAPSHOT"; in one of its own they are when it was deployed by that name.
func IsTimestamped(v string) bool {
	// The build is behind the last hyphen, the timestamp behind the one before.
	end := strings.LastIndexByte(v, '-')
	if end < 0 {
		return false
	}
	_, _, rest, ok := CutBuild(v[strings.LastIndexByte(v[:end], '-')+1:])
	return ok && rest == ""
}

// CutBuild cuts a build of a snapshot off the start of s: of
// "20250311.083409-1-sources.jar" it returns "20250311.083409", 1 and
// "-sources.jar". Not ok is what has another form, a timestamp that is no date
// and time, and a build number of more than 18 digits.
func CutBuild(s string) (timestamp string, build int64, rest string, ok bool) {
	const n = len(timestampForm)
	if len(s) < n+2 || s[n] != '-' || !isTimestamp(s[:n]) {
		return "", 0, "", false
	}
	digits := s[n+1:]
	rest = strings.TrimLeft(digits, "0123456789")
	digits = digits[:len(digits)-len(rest)]
	if len(digits) > 18 {
		return "", 0, "", false
	}
	build, err := strconv.ParseInt(digits, 10, 64)
	return s[:n], build, rest, err == nil
}

func isTimestamp(s string) bool {
	_, err := time.Parse(timestampForm, s)
	return err == nil
}
