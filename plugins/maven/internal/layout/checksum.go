package layout

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// maxChecksum bounds a checksum file, in bytes: one line, with a sum and perhaps a name.
const maxChecksum = 2048

// size returns how long a sum is, of those that clients send and ask for.
func size(algorithm string) (bytes int, ok bool) {
	switch algorithm {
	case "md5":
		return 16, true
	case "sha1":
		return 20, true
	case "sha256":
		return 32, true
	case "sha512":
		return 64, true
	default:
		return 0, false
	}
}

// SplitChecksum splits the name of a checksum file, "app-1.0.jar.sha1", into the
// name of the file it is of and the algorithm: md5, sha1, sha256 or sha512.
func SplitChecksum(file string) (base, algorithm string, ok bool) {
	i := strings.LastIndexByte(file, '.')
	if i <= 0 {
		return "", "", false
	}
	if _, ok := size(file[i+1:]); !ok {
		return "", "", false
	}
	return file[:i], file[i+1:], true
}

// ParseChecksum reads a checksum file. Maven, Gradle and sbt write the sum alone;
// taken are capitals, white space around and, as sha1sum writes, a file's name
// behind. The error is a sentence.
func ParseChecksum(body []byte, algorithm string) (hexLower string, err error) {
	want, ok := size(algorithm)
	if !ok {
		return "", fmt.Errorf("there is no checksum algorithm %q", algorithm)
	}
	if len(body) > maxChecksum {
		return "", fmt.Errorf("the %s file has more than %d bytes", algorithm, maxChecksum)
	}
	fields := strings.Fields(string(body))
	if len(fields) < 1 || len(fields) > 2 || strings.ContainsAny(strings.TrimSpace(string(body)), "\r\n") {
		return "", fmt.Errorf("the %s file is not one line with a checksum", algorithm)
	}
	sum, err := hex.DecodeString(fields[0])
	if err != nil || len(sum) != want {
		return "", fmt.Errorf("the %s file has no checksum of %d hexadecimal digits", algorithm, 2*want)
	}
	return hex.EncodeToString(sum), nil
}
