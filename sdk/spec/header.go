package spec

import "strings"

// HeaderText is a sentence as a header can carry it: on one line, printable
// ASCII, everything else as "?", at most 1 KiB.
func HeaderText(sentence string) string {
	const most = 1 << 10
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(sentence), " ") {
		if r < ' ' || r > '~' {
			r = '?'
		}
		if b.Len() == most {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
