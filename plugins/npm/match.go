package npm

import "regexp"

// matches reports whether a whole text is of a pattern.
func matches(pattern, text string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text)
}
