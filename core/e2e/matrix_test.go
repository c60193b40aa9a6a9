package e2e

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAccessMatrix asks a registry for everything that it serves, as everybody,
// about every kind of project, and holds each answer against GitLab's table
// (matrixtable_test.go). Nothing of it is picked by hand: routes come from the
// registry (/-/routes), and their parameters are made up from its validators.
//
// Not every combination is asked for in one run: each route is asked for by
// each identity about some projects, others for the next route, so that those
// of one kind together are asked for everything. MATRIX=all asks for all.
func TestAccessMatrix(t *testing.T) { //nolint:paralleltest // thousands of requests: beside others they would be slow
	w := newWorld(t)
	all := servedBy(t, w.URL)
	before := w.counts()
	t.Run("what routes ask for", func(t *testing.T) { //nolint:paralleltest // likewise
		wantActions(t, all)
	})
	t.Run("formats", func(t *testing.T) { //nolint:paralleltest // one after the other, each in parallel itself
		w.run(t, w.formatRequests(t, all), 30_000, allVerdicts()...)
	})
	t.Run("everything else", func(t *testing.T) { //nolint:paralleltest // likewise
		w.run(t, w.apiRequests(t, all), 8_000, allVerdicts()...)
	})
	t.Run("what is there", func(t *testing.T) { //nolint:paralleltest // likewise
		w.run(t, w.seededProbes(t, all), 2_500, allVerdicts()...)
	})
	t.Run("transports", func(t *testing.T) { //nolint:paralleltest // likewise
		w.run(t, w.transportRequests(t, all), 10_000, allVerdicts()...)
	})
	t.Run("two credentials", func(t *testing.T) { //nolint:paralleltest // likewise
		w.run(t, w.pairRequests(t, all), 1_000, passes, twice)
	})
	if after := w.counts(); !maps.Equal(before, after) {
		t.Errorf("something was changed: before %v, after %v", before, after)
	}
}

// probe is one request of a matrix, and what must come of it.
type probe struct {
	route   string // what failures are grouped by, with who and about
	who     *identity
	about   *spot
	method  string
	url     string
	headers map[string]string
	body    string                                          // none: an absent package is asked for, or a change of nothing
	place   string                                          // where the token stands
	put     func(req *http.Request, token, username string) // puts it there; nil: show does
	want    verdict
	check   func(answer) string // what is wrong with an answer; "": nothing
}

// allVerdicts are those that every matrix comes to.
func allVerdicts() []verdict { return []verdict{passes, unauthorized, refused, hidden} }

// share is how many of the spots each identity asks each route about.
const share = 4

// picks spreads the spots over the routes: which of them a route is asked about.
func picks(spots []*spot, route string, who int) []*spot {
	if os.Getenv("MATRIX") == "all" || len(spots) <= share {
		return spots
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(route))
	step := (len(spots) + share - 1) / share
	var some []*spot
	for i := (int(h.Sum32()%uint32(step)) + who) % step; i < len(spots); i += step {
		some = append(some, spots[i])
	}
	return some
}

// formatRequests are those to the formats' routes.
func (w *world) formatRequests(t *testing.T, all *served) []probe {
	t.Helper()
	var probes []probe
	for _, f := range all.Formats {
		for j := range f.Routes {
			r := &f.Routes[j]
			for _, level := range r.Levels {
				name := f.Format + " " + r.ID + " (" + level + ")"
				for n, who := range w.identities {
					for _, s := range picks(w.spots, name, n) {
						probes = append(probes, w.formatProbe(t, name, r, level, who, s))
						probes[len(probes)-1].place = who.place(len(probes))
					}
				}
			}
		}
	}
	return probes
}

func (w *world) formatProbe(t *testing.T, name string, r *servedRoute, level string, who *identity, s *spot) probe {
	t.Helper()
	names := s.project.path
	if r.Convention != nil && r.Convention.Names == "root_group" {
		names = s.root.path
	}
	key := strings.Join([]string{r.format.Format, r.ID, level, names}, " ")
	at, ok := w.addresses[key]
	if !ok {
		var err error
		if at, err = r.fill(level, names); err != nil {
			t.Fatal(err)
		}
		w.addresses[key] = at
	}
	mount := w.URL + "/api/v4/packages/"
	switch level {
	case "project":
		mount = fmt.Sprintf("%s/api/v4/projects/%d/packages/", w.URL, s.project.id)
	case "group":
		mount = fmt.Sprintf("%s/api/v4/groups/%d/-/packages/", w.URL, s.group.id)
	}
	url := mount + r.format.Format
	if at.path != "" {
		url += "/" + at.path
	}
	if at.query != "" {
		url += "?" + at.query
	}
	want := formatVerdict(who, r, level, s)
	body := ""
	if len(r.BodyCredentials) == 2 {
		// A token that is none any more, and no password: these take their time, and turns.
		body = fmt.Sprintf(`{%q:"mx-owner",%q:%q}`, r.BodyCredentials[0], r.BodyCredentials[1], w.useless)
	}
	ofGroup := level == "group" || (level == "instance" && names == s.root.path)
	return probe{
		route: name, who: who, about: s, method: r.Method, url: url, headers: r.MatchHeaders, body: body, want: want,
		check: func(a answer) string {
			return wrongOfRefusal(a, who, s, want, func(a answer) string { return wrongOfFormat(a, r.format, want, ofGroup) })
		},
	}
}

// wrongOfRefusal says what is wrong with an answer; of a refusal, where others are
// told less than a job that is not let in, and a granular token that lacks something.
func wrongOfRefusal(a answer, who *identity, s *spot, want verdict, others func(answer) string) string {
	switch {
	case want != refused:
	case who.kind == job && who.span == nothing && !standingIn(who, s, s).sees && !s.absent:
		why := fmt.Sprintf("Authentication by CI/CD job token not allowed from mx-elsewhere/p to project #%d.", s.project.id)
		if !strings.Contains(a.body, why) {
			return fmt.Sprintf("%d %s, not %q", a.status, a.body, why)
		}
		a.body = strings.NewReplacer(" - "+why, "", why, "Forbidden").Replace(a.body)
	case who.grants != nil && strings.Contains(a.body, "insufficient_granular_scope"):
		return wrongGranular(a)
	}
	return others(a)
}

// wrongOfFormat says what is wrong with a format's answer.
func wrongOfFormat(a answer, f *servedFormat, want verdict, ofGroup bool) string {
	missing := "Project Not Found"
	if ofGroup {
		missing = "Group Not Found"
	}
	var status int
	var sentence string
	switch want {
	case unauthorized:
		status, sentence = http.StatusUnauthorized, "Unauthorized"
	case refused:
		status, sentence = http.StatusForbidden, "Forbidden"
	case hidden:
		status, sentence = http.StatusNotFound, missing
	case twice:
		status, sentence = http.StatusBadRequest, "Found more than one set of credentials"
	case hiddenOrAsk:
		if a.status == http.StatusUnauthorized {
			return wrongOfFormat(a, f, unauthorized, ofGroup)
		}
		if a.status == http.StatusNotFound {
			return "404 to somebody unknown of whom it is not known what they may read"
		}
		return wrongOfFormat(a, f, passes, ofGroup)
	case passes:
		return wrongOfPassed(a)
	}
	if a.status != status {
		return fmt.Sprintf("%d %s", a.status, a.body)
	}
	if got := a.header.Values("WWW-Authenticate"); status == http.StatusUnauthorized && !slices.Equal(got, challengeOf(f.Format)) {
		return fmt.Sprintf("the challenges are %q", got)
	} else if status != http.StatusUnauthorized && len(got) != 0 {
		return fmt.Sprintf("a %d challenges: %q", status, got)
	}
	return wrongBody(a, f.Errors, sentence)
}

// wrongOfPassed: an absent package is 404 and a body that is none 400, but
// nothing says that somebody may not.
func wrongOfPassed(a answer) string {
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.status >= 500, a.status < 200,
		a.status == http.StatusNotFound && (strings.Contains(a.body, "Project Not Found") || strings.Contains(a.body, "Group Not Found")),
		a.header.Get("Allow") != "", // no route was found
		a.status == http.StatusTooManyRequests:
		return fmt.Sprintf("%d %s", a.status, a.body)
	}
	return ""
}

// wrongBody compares a refusal's body with what its format's clients print:
// nothing in it but these texts, or a project that is hidden would show itself.
func wrongBody(a answer, style, sentence string) string {
	message, id := fmt.Sprint(a.status, " ", sentence), a.header.Get("X-Request-Id")
	if a.status == http.StatusBadRequest {
		message = sentence
	}
	if id == "" {
		return "there is no X-Request-Id"
	}
	bodies := []string{fmt.Sprintf(`{"message":%q,"request_id":%q}`, message, id)}
	switch style {
	case "message_and_error":
		bodies = []string{fmt.Sprintf(`{"message":%q,"error":%q,"request_id":%q}`, message, sentence, id)}
	case "text":
		bodies = []string{sentence}
	case "problem":
		bodies = []string{fmt.Sprintf(`{"type":"about:blank","status":%d,"title":%q,"detail":%q,"request_id":%q}`, a.status, http.StatusText(a.status), sentence, id)}
	}
	blocked := " - Your account has been blocked."
	for _, body := range bodies {
		if a.body == body || (a.status == http.StatusForbidden && strings.ReplaceAll(a.body, blocked, "") == body) {
			return ""
		}
	}
	return fmt.Sprintf("the body is %s, and not %s", a.body, bodies[0])
}

// place is the nth of the places in a request where an identity's token may stand.
func (i *identity) place(n int) string {
	places := []string{"Bearer", "PRIVATE-TOKEN", "Basic"}
	switch {
	case i.username == jobUsername:
		places = []string{"Bearer", "JOB-TOKEN", "Basic"}
	case i.username != "":
		places = []string{"Bearer", "Deploy-Token", "Basic"}
	case i.application:
		places = []string{"Bearer", "Basic"}
	}
	return places[n%len(places)]
}

// show puts an identity's token there.
func show(req *http.Request, i *identity, s *spot, place string) {
	if i.token == nil {
		return
	}
	token := i.token(s)
	switch place {
	case "Bearer":
		req.Header.Set("Authorization", "Bearer "+token)
	case "Basic":
		user := i.username
		if user == "" {
			user = "anyone"
		}
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+token)))
	default:
		req.Header.Set(place, token)
	}
}

// run sends the probes, many at once, and reports what is wrong, by cause.
func (w *world) run(t *testing.T, probes []probe, least int, want ...verdict) {
	t.Helper()
	if len(probes) < least {
		t.Errorf("%d requests, want %d at least: something of the matrix is not there", len(probes), least)
	}
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	began := time.Now()
	var (
		next   = make(chan int)
		all    sync.WaitGroup
		mu     sync.Mutex
		failed []failure
		counts = map[verdict]int{}
	)
	for range 12 {
		all.Go(func() {
			for n := range next {
				p := &probes[n]
				wrong := p.ask(t, client)
				mu.Lock()
				counts[p.want]++
				if wrong != "" {
					failed = append(failed, failure{p, wrong})
				}
				mu.Unlock()
			}
		})
	}
	for n := range probes {
		next <- n
	}
	close(next)
	all.Wait()
	t.Logf("%d requests in %s: %v", len(probes), time.Since(began).Round(time.Millisecond), counts)
	report(t, failed)
	for _, v := range want {
		if counts[v]*100 < len(probes) {
			t.Errorf("of %d requests only %d are to come to %q", len(probes), counts[v], v)
		}
	}
}

// failure is a probe, and what is wrong with its answer.
type failure struct {
	*probe

	wrong string
}

// report tells of failures by what they have in common: one cause fails
// thousands of requests, of one route, of one identity, or about one kind of project.
func report(t *testing.T, failed []failure) {
	t.Helper()
	const most = 20
	var fewest map[string][]string
	for _, of := range []func(failure) string{
		func(f failure) string { return f.route },
		func(f failure) string { return f.who.name },
		func(f failure) string { return f.about.String() },
	} {
		groups := map[string][]string{}
		for _, f := range failed {
			cause := fmt.Sprintf("%s: want %s", of(f), f.want)
			groups[cause] = append(groups[cause], fmt.Sprintf("%s: %s about %s: %s", f.route, f.who.name, f.about, f.wrong))
		}
		if fewest == nil || len(groups) < len(fewest) {
			fewest = groups
		}
	}
	for i, cause := range slices.Sorted(maps.Keys(fewest)) {
		if i == most {
			t.Errorf("and %d more", len(fewest)-most)
			return
		}
		examples := fewest[cause]
		slices.Sort(examples)
		t.Errorf("%s: %d times, such as\n\t%s", cause, len(examples), strings.Join(examples[:min(3, len(examples))], "\n\t"))
	}
}

// ask sends a probe and says what is wrong with the answer.
func (p *probe) ask(t *testing.T, client *http.Client) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), p.method, p.url, strings.NewReader(p.body))
	if err != nil {
		return err.Error()
	}
	for name, value := range p.headers {
		req.Header.Set(name, value)
	}
	if p.put != nil {
		username := p.who.username
		if username == "" {
			username = "anyone"
		}
		p.put(req, p.who.token(p.about), username)
	} else {
		show(req, p.who, p.about, p.place)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	if wrong := p.check(answer{resp.StatusCode, resp.Header, string(body)}); wrong != "" {
		return fmt.Sprintf("%s %s by %s: %s", p.method, strings.TrimPrefix(p.url, "http://"), p.place, wrong)
	}
	return ""
}
