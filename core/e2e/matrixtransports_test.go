package e2e

import (
	"encoding/base64"
	"net/http"
	"testing"
)

// transport is a place in a request where a credential may stand, and what it
// comes to there.
type transport struct {
	name string
	put  func(req *http.Request, token, username string)
	// comesTo is whom a request is from that shows i's token there; reads are
	// those that only read.
	comesTo func(i *identity, reads bool) *identity
}

func setHeader(name, before string) func(*http.Request, string, string) {
	return func(req *http.Request, token, _ string) { req.Header.Set(name, before+token) }
}

func setQuery(name string) func(*http.Request, string, string) {
	return func(req *http.Request, token, _ string) {
		query := req.URL.Query()
		query.Set(name, token)
		req.URL.RawQuery = query.Encode()
	}
}

func setBasic(username func(string) string, secret func(string) string) func(*http.Request, string, string) {
	return func(req *http.Request, token, name string) {
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(username(name)+":"+secret(token))))
	}
}

// transports are GitLab's (its page on authentication of the REST API, and those
// of each format), with what each takes.
func transports() []transport {
	as, none, wrong := func(s string) string { return s }, func(string) string { return "" }, func(string) string { return "somebody-else" }
	nobody := &identity{name: "nobody", kind: anonymous}
	useless := &identity{name: "a useless token", kind: invalid}
	itself := func(i *identity, _ bool) *identity { return i }
	never := func(*identity, bool) *identity { return useless }
	half := func(*identity, bool) *identity { return nobody } // GitLab takes half a pair for none
	named := func(i *identity, _ bool) *identity {
		if i.username != "" {
			return useless
		}
		return i
	}
	persons := func(i *identity, reads bool) *identity {
		if i.application {
			return useless
		}
		return named(i, reads)
	}
	jobs := func(i *identity, _ bool) *identity {
		if i.username != jobUsername {
			return useless
		}
		return i
	}
	return []transport{
		{"PRIVATE-TOKEN", setHeader("PRIVATE-TOKEN", ""), persons},
		{"private_token", setQuery("private_token"), persons},
		{"Bearer", setHeader("Authorization", "Bearer "), itself},
		{"bearer", setHeader("Authorization", "bearer   "), itself}, // a scheme has no case
		{"no scheme", setHeader("Authorization", ""), never},
		{"Digest", setHeader("Authorization", "Digest "), never},
		{"Deploy-Token", setHeader("Deploy-Token", ""), func(i *identity, _ bool) *identity {
			if i.username == "" || i.username == jobUsername {
				return useless
			}
			return i
		}},
		{"JOB-TOKEN", setHeader("JOB-TOKEN", ""), jobs},
		{"job_token", setQuery("job_token"), jobs},
		{"Basic", setBasic(as, as), itself},
		// A deploy token has a name of its own, and so have jobs. Differs: a person's token is taken
		// under any name by every format, npm's too, as GitLab does where clients ask
		// for a name that does not matter.
		{"Basic of another name", setBasic(wrong, as), named},
		{"Basic without a name", setBasic(none, as), half},
		{"Basic without a secret", setBasic(as, none), half},
		{"X-NuGet-ApiKey", setHeader("X-NuGet-ApiKey", ""), func(i *identity, reads bool) *identity {
			if reads {
				return nobody // it is for pushing
			}
			return i
		}},
	}
}

// transportRequests show every identity's token in every place, to one route of
// each format that reads and one that writes.
func (w *world) transportRequests(t *testing.T, all *served) []probe {
	t.Helper()
	var probes []probe
	for _, f := range all.Formats {
		for _, action := range []string{"read_package", "create_package"} {
			r := f.first(action)
			if r == nil {
				t.Fatalf("%s: no route of a project is for %s", f.Format, action)
			}
			reads := r.Method == http.MethodGet
			for n, who := range w.identities {
				if who.token == nil {
					continue
				}
				for _, way := range transports() {
					name := f.Format + " " + r.ID + " by " + way.name
					for _, s := range picks(w.spots, name, n) {
						as := *way.comesTo(who, reads)
						as.name, as.token, as.username = who.name, who.token, who.username
						p := w.formatProbe(t, name, r, "project", &as, s)
						p.place, p.put = way.name, way.put
						probes = append(probes, p)
					}
				}
			}
		}
	}
	return probes
}

// pairRequests show two credentials at once, in every two places that do not
// exclude each other: two tokens are 400, and the same one twice is itself.
func (w *world) pairRequests(t *testing.T, all *served) []probe {
	t.Helper()
	var owners []*identity
	for _, i := range w.identities {
		if i.name == "owner of the root group" || i.name == "stranger" {
			owners = append(owners, i)
		}
	}
	if len(owners) != 2 {
		t.Fatalf("%d of the two who show their tokens together are there", len(owners))
	}
	shown := []transport{}
	for _, way := range transports() {
		switch way.name {
		case "PRIVATE-TOKEN", "private_token", "Bearer", "Basic":
			shown = append(shown, way)
		}
	}
	var probes []probe
	for _, f := range all.Formats {
		for _, action := range []string{"read_package", "create_package"} {
			r := f.first(action)
			for i, first := range shown {
				for _, second := range shown[i+1:] {
					if first.name == "Bearer" && second.name == "Basic" {
						continue // one header
					}
					for _, s := range w.spots {
						name := f.Format + " " + r.ID + " by " + first.name + " and " + second.name
						for _, other := range owners {
							who, token := owners[0], other.token(s)
							p := w.formatProbe(t, name, r, "project", who, s)
							p.place = first.name + " and " + second.name
							p.put = func(req *http.Request, mine, username string) {
								first.put(req, mine, "anyone")
								second.put(req, token, "anyone")
							}
							if other != who {
								p.want = twice
								p.check = func(a answer) string { return wrongOfFormat(a, r.format, twice, false) }
							}
							probes = append(probes, p)
						}
					}
				}
			}
		}
	}
	return probes
}

// first is the format's first route of a project for an action.
func (f *servedFormat) first(action string) *servedRoute {
	for i := range f.Routes {
		r := &f.Routes[i]
		for _, level := range r.Levels {
			if level == "project" && r.Action == action && !r.Authenticated {
				return r
			}
		}
	}
	return nil
}
