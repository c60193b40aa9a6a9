package npm

import "strings"

// sameSpec reports whether two specifiers of a dependency ask for the same. npm
// writes repositories in its own way when it publishes ("user/repo" becomes
// "github:user/repo"); all others are compared as they are.
func sameSpec(a, b string) bool {
	if a == b {
		return true
	}
	ha := hosted(a)
	return ha != "" && ha == hosted(b)
}

// hosted writes a specifier of a repository at one of the hosts that npm knows
// (hosted-git-info) as "host:path#committish"; of any other, "".
func hosted(spec string) string {
	spec, committish, pinned := strings.Cut(spec, "#")
	host, repository := hostedParts(spec)
	repository = strings.TrimSuffix(strings.Trim(repository, "/"), ".git")
	if host == "" || repository == "" {
		return ""
	}
	if pinned {
		repository += "#" + committish
	}
	return host + ":" + repository
}

func hostedParts(spec string) (host, repository string) {
	for _, h := range []struct{ shortcut, domain string }{
		{"github", "github.com"},
		{"gitlab", "gitlab.com"},
		{"bitbucket", "bitbucket.org"},
		{"gist", "gist.github.com"},
		{"sourcehut", "git.sr.ht"},
	} {
		if path, ok := strings.CutPrefix(spec, h.shortcut+":"); ok {
			return h.shortcut, path
		}
		if path, ok := atDomain(spec, h.domain); ok {
			return h.shortcut, path
		}
	}
	if user, name, ok := strings.Cut(spec, "/"); ok && isWord(user) && isWord(strings.TrimSuffix(name, ".git")) {
		return "github", spec
	}
	return "", ""
}

// atDomain takes "git+ssh://git@domain/path", "https://domain/path" and
// "git@domain:path" apart.
func atDomain(spec, domain string) (path string, ok bool) {
	scheme, rest, isURL := strings.Cut(spec, "://")
	if isURL {
		switch scheme {
		case "git", "http", "https", "ssh", "git+ssh", "git+https", "git+http":
		default:
			return "", false
		}
		spec = rest
	}
	authority, _, _ := strings.Cut(spec, "/")
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		spec = spec[i+1:]
	}
	spec = strings.TrimPrefix(spec, "www.")
	if path, ok = strings.CutPrefix(spec, domain+"/"); ok && isURL {
		return path, true
	}
	return strings.CutPrefix(spec, domain+":")
}

// isWord reports whether s can be a user or repository of a shortcut.
func isWord(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '_' && c != '.') {
			return false
		}
	}
	return s != ""
}
