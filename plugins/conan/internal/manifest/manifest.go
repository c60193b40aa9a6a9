// Package manifest reads conanmanifest.txt: the list of a revision's contents,
// which clients send last.
package manifest

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	seconds = regexp.MustCompile(`\A[0-9]{1,20}\z`)
	entry   = regexp.MustCompile(`\A.+: [0-9a-fA-F]{32}\z`)
)

// Check reports what is wrong with a manifest: its first line is a time, each
// other a path and the MD5 of what is there.
func Check(text string) error {
	first, rest, _ := strings.Cut(text, "\n")
	if !seconds.MatchString(strings.TrimSpace(first)) {
		return fmt.Errorf("the first line is no time in seconds")
	}
	number := 1
	for line := range strings.Lines(rest) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line != "" && !entry.MatchString(line) {
			return fmt.Errorf("line %d is no path with an MD5", number)
		}
	}
	return nil
}
