package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// seed is what every project of the matrix has: a version of npm's and one of
// Maven's, published with their clients' requests, and their ids.
type seed struct {
	npm     string // the package's name: its scope tells the instance where it is
	tarball string // its content
	maven   string // the path of a file, which likewise begins with the project's
	text    string
	pkg     int64
	file    int64
}

// sow publishes them, while the project takes them.
func (w *world) sow(s *spot) {
	w.t.Helper()
	in := registryProject(s)
	s.seed = seed{npm: "@" + s.root.path + "/seed-" + strings.TrimPrefix(s.group.path, s.root.path+"/"), maven: s.project.path + "/1.0/p-1.0.pom", text: pomOf(s)}
	document, tarball := publication(w.t, s.seed.npm, "1.0.0")
	s.seed.tarball = string(tarball)
	at := packagesURL(w.Registry, in)
	if a := send(w.t, "PUT", at+"/npm/"+url.PathEscape(s.seed.npm), w.Token, document); a.status != http.StatusOK {
		w.t.Fatalf("publish %s: %d %s", s.seed.npm, a.status, a.body)
	}
	s.seed.pkg, s.seed.file = ids(w.t, w.Registry, in, url.QueryEscape(s.seed.npm), "1.0.0")
	if a := send(w.t, "PUT", at+"/maven/"+s.seed.maven, w.Token, s.seed.text, "Content-Type", "application/octet-stream"); a.status >= 300 {
		w.t.Fatalf("publish %s: %d %s", s.seed.maven, a.status, a.body)
	}
}

// pomOf is a version of nothing but its POM, and so complete.
func pomOf(s *spot) string {
	group := strings.ReplaceAll(s.group.path, "/", ".")
	return fmt.Sprintf("<project><modelVersion>4.0.0</modelVersion><groupId>%s</groupId><artifactId>p</artifactId><version>1.0</version><packaging>pom</packaging></project>", group)
}

// seeded is one request about what is there.
type seeded struct {
	format string // empty: the packages API
	id     string // the route's
	level  string
	method string
	path   func(*spot) string
	body   string
	header map[string]string
	status int
	tells  func(*spot) string // what the answer has in it, and no refusal
}

func seededRequests() []seeded {
	npm := func(path string) func(*spot) string {
		return func(s *spot) string {
			base := s.seed.npm[strings.Index(s.seed.npm, "/")+1:]
			return strings.NewReplacer("{name}", s.seed.npm, "{base}", base).Replace(path)
		}
	}
	tarball := func(s *spot) string { return s.seed.tarball }
	named := func(s *spot) string { return s.seed.npm }
	numbered := func(path string) func(*spot) string {
		return func(s *spot) string {
			return strings.NewReplacer("{pkg}", fmt.Sprint(s.seed.pkg), "{file}", fmt.Sprint(s.seed.file)).Replace(path)
		}
	}
	var all []seeded
	for _, level := range []string{"project", "group", "instance"} {
		above := map[bool]string{true: "", false: "_above"}[level == "project"]
		all = append(
			all,
			seeded{"npm", "packument", level, "GET", npm("/{name}"), "", nil, 200, named},
			seeded{"npm", "tarball" + above, level, "GET", npm("/{name}/-/{base}-1.0.0.tgz"), "", nil, 200, tarball},
			seeded{"npm", "tags", level, "GET", npm("/-/package/{name}/dist-tags"), "", nil, 200, func(*spot) string { return "1.0.0" }},
			// It is there already: whoever may set it changes nothing.
			seeded{"npm", "set_tag", level, "PUT", npm("/-/package/{name}/dist-tags/latest"), `"1.0.0"`, nil, 204, nil},
			seeded{"maven", "file", level, "GET", func(s *spot) string { return "/" + s.seed.maven }, "", nil, 200, func(s *spot) string { return s.seed.text }},
		)
	}
	return append(
		all,
		seeded{"", "list", "project", "GET", numbered(""), "", nil, 200, named},
		seeded{"", "show", "project", "GET", numbered("/{pkg}"), "", nil, 200, named},
		seeded{"", "files", "project", "GET", numbered("/{pkg}/package_files"), "", nil, 200, func(*spot) string { return "1.0.0.tgz" }},
		seeded{"", "download", "project", "GET", numbered("/{pkg}/package_files/{file}/download"), "", nil, 200, tarball},
		// Nobody could: it has changed since.
		seeded{"", "delete", "project", "DELETE", numbered("/{pkg}"), "", map[string]string{"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 412, nil},
	)
}

// seededProbes have everybody ask for what is there, everywhere it can be asked for.
func (w *world) seededProbes(t *testing.T, all *served) []probe {
	t.Helper()
	var probes []probe
	for _, one := range seededRequests() {
		r := all.route(t, one)
		for n, who := range w.identities {
			for _, s := range picks(w.spots, one.format+one.id+one.level, n) {
				if s.absent {
					continue
				}
				probes = append(probes, w.seededProbe(one, r, who, s, who.place(len(probes))))
			}
		}
	}
	return probes
}

func (all *served) route(t *testing.T, one seeded) *servedRoute {
	t.Helper()
	for i := range all.Formats {
		f := &all.Formats[i]
		for j := range f.Routes {
			if r := &f.Routes[j]; f.Format == one.format && r.ID == one.id && slices.Contains(r.Levels, one.level) {
				return r
			}
		}
	}
	if one.format != "" {
		t.Fatalf("there is no route %s of %s", one.id, one.format)
	}
	return nil
}

func (w *world) seededProbe(one seeded, r *servedRoute, who *identity, s *spot, place string) probe {
	p := probe{route: "seeded " + one.format + " " + one.id + " (" + one.level + ")", who: who, about: s, method: one.method, place: place, headers: one.header, body: one.body}
	switch one.level {
	case "project":
		p.url = fmt.Sprintf("%s/api/v4/projects/%d/packages/%s", w.URL, s.project.id, one.format)
	case "group":
		p.url = fmt.Sprintf("%s/api/v4/groups/%d/-/packages/%s", w.URL, s.group.id, one.format)
	default:
		p.url = w.URL + "/api/v4/packages/" + one.format
	}
	p.url = strings.TrimSuffix(p.url, "/") + one.path(s)
	tells := ""
	if one.tells != nil {
		tells = one.tells(s)
	}
	full := func(a answer) string {
		if a.status != one.status || !strings.Contains(a.body, tells) {
			return fmt.Sprintf("%d %.200q", a.status, a.body)
		}
		return ""
	}
	if one.format == "" {
		n := need{family: packages, action: map[string]string{"GET": "read_package", "DELETE": "destroy_package"}[one.method]}
		p.want = apiVerdict(who, n, one.method, p.url, place, s)
		p.check = func(a answer) string {
			if p.want == passes {
				return full(a)
			}
			return wrongOfRefusal(a, who, s, p.want, func(a answer) string { return wrongOfAPI(a, p, n) })
		}
		return p
	}
	p.want = formatVerdict(who, r, one.level, s)
	ofGroup := one.level == "group" || (one.level == "instance" && r.Convention.Names == "root_group")
	may := standingIn(who, s, s)
	p.check = func(a answer) string {
		switch {
		case p.want != passes && p.want != hiddenOrAsk:
			return wrongOfRefusal(a, who, s, p.want, func(a answer) string { return wrongOfFormat(a, r.format, p.want, ofGroup) })
		case may.may(r.Action):
			return full(a)
		case may.reads: // it is found, and not theirs to change
			return wrongOfRefusal(a, who, s, refused, func(a answer) string { return wrongOfFormat(a, r.format, refused, ofGroup) })
		case p.want == hiddenOrAsk && a.status == http.StatusUnauthorized:
			return wrongOfFormat(a, r.format, unauthorized, ofGroup)
		case a.status != http.StatusNotFound, tells != "" && strings.Contains(a.body, tells) && tells != s.seed.npm:
			return fmt.Sprintf("%d %.200q of what they may not read", a.status, a.body)
		}
		return ""
	}
	return p
}
