package e2e_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// caller sends requests to one repository as one person, without a client.
type caller struct {
	base  string // the repository
	token string // empty: nobody
	basic bool   // the token is a password
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func inProject(reg *registrytest.Registry, p registrytest.Project, token string) caller {
	return caller{base: fmt.Sprintf("%s/api/v4/projects/%d/packages/maven", reg.URL, p.ID), token: token}
}

func inGroup(reg *registrytest.Registry, g registrytest.Group, token string) caller {
	return caller{base: fmt.Sprintf("%s/api/v4/groups/%d/-/packages/maven", reg.URL, g.ID), token: token}
}

func inInstance(reg *registrytest.Registry, token string) caller {
	return caller{base: reg.URL + "/api/v4/packages/maven", token: token}
}

// send sends a request. Headers are pairs of name and value.
func (c caller) send(tb testing.TB, method, path string, body []byte, headers ...string) answer {
	tb.Helper()
	a, err := c.try(tb, method, path, body, headers...)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// try is send for those who expect the connection to break.
func (c caller) try(tb testing.TB, method, path string, body []byte, headers ...string) (answer, error) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, c.base+"/"+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	switch {
	case c.token == "":
	case c.basic:
		req.SetBasicAuth(registrytest.DeployUsername, c.token)
	default:
		req.Header.Set("Private-Token", c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{resp.StatusCode, resp.Header, read}, nil
}

func (c caller) get(tb testing.TB, path string) answer {
	tb.Helper()
	return c.send(tb, "GET", path, nil)
}

// put sends a file that must be taken.
func (c caller) put(tb testing.TB, path string, body []byte) {
	tb.Helper()
	if a := c.send(tb, "PUT", path, body); a.status != http.StatusOK {
		tb.Fatalf("put %s: %d %s", path, a.status, a.body)
	}
}

// wantStatus checks a status, and that a refusal says why in the shape that Maven reads.
func (a answer) wantStatus(tb testing.TB, what string, want int) answer {
	tb.Helper()
	if a.status != want {
		tb.Errorf("%s: %d, not %d: %s", what, a.status, want, a.body)
		return a
	}
	if want < http.StatusBadRequest || len(a.body) == 0 {
		return a
	}
	var problem struct {
		Status    int
		Title     string
		Detail    string
		RequestID string `json:"request_id"`
	}
	// Maven 3.9 and 4 take a problem document for a failure, whatever its status, and
	// cannot deploy a first snapshot: a 404 is called plain JSON.
	media := "application/problem+json"
	if want == http.StatusNotFound {
		media = "application/json"
	}
	if err := json.Unmarshal(a.body, &problem); err != nil || problem.Status != want || problem.Detail == "" || problem.RequestID == "" ||
		a.header.Get("Content-Type") != media {
		tb.Errorf("%s: not a problem document: %s %s", what, a.header.Get("Content-Type"), a.body)
	}
	if challenge := a.header.Get("Www-Authenticate"); (want == http.StatusUnauthorized) != (challenge == `Basic realm="GitLab Packages Registry"`) {
		tb.Errorf("%s: %d with the challenge %q", what, want, challenge)
	}
	return a
}

// document is what a maven-metadata.xml says.
type document struct {
	GroupID    string `xml:"groupId"`
	ArtifactID string `xml:"artifactId"`
	Versioning struct {
		Latest      string   `xml:"latest"`
		Release     string   `xml:"release"`
		LastUpdated string   `xml:"lastUpdated"`
		Versions    []string `xml:"versions>version"`
		Snapshot    struct {
			Timestamp   string `xml:"timestamp"`
			BuildNumber int    `xml:"buildNumber"`
		} `xml:"snapshot"`
		SnapshotVersions []struct {
			Classifier string `xml:"classifier"`
			Extension  string `xml:"extension"`
			Value      string `xml:"value"`
		} `xml:"snapshotVersions>snapshotVersion"`
	} `xml:"versioning"`
	Plugins []struct {
		Prefix     string `xml:"prefix"`
		ArtifactID string `xml:"artifactId"`
	} `xml:"plugins>plugin"`
}

// metadata reads the document of a path, and checks that its checksum is its own.
func (c caller) metadata(tb testing.TB, path string) document {
	tb.Helper()
	a := c.get(tb, path+"/maven-metadata.xml")
	if a.status != http.StatusOK {
		tb.Fatalf("metadata of %s: %d %s", path, a.status, a.body)
	}
	sum := sha1.Sum(a.body)
	if got := a.header.Get("X-Checksum-Sha1"); got != hex.EncodeToString(sum[:]) {
		tb.Errorf("metadata of %s: checksum %s", path, got)
	}
	var doc document
	if err := xml.Unmarshal(a.body, &doc); err != nil {
		tb.Fatalf("metadata of %s: %v: %s", path, err, a.body)
	}
	return doc
}

// artifact is one version of one, to be deployed.
type artifact struct {
	group, id, version string // group with slashes
}

func (a artifact) dir() string { return path.Join(a.group, a.id, a.version) }

// file is the path of one of its files: rest is "pom", "jar", "-sources.jar".
func (a artifact) file(rest string) string {
	if !strings.HasPrefix(rest, "-") {
		rest = "." + rest
	}
	return a.dir() + "/" + a.id + "-" + a.version + rest
}

func (a artifact) name() string { return path.Join(a.group, a.id) }

func (a artifact) pom(more string) []byte {
	return fmt.Appendf(nil, `<project><modelVersion>4.0.0</modelVersion><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version>%s</project>`,
		strings.ReplaceAll(a.group, "/", "."), a.id, a.version, more)
}

// deploy sends a version as Maven does, and returns its jar.
func (c caller) deploy(tb testing.TB, a artifact) []byte {
	tb.Helper()
	content := jar(tb, "content", rand.Text())
	c.put(tb, a.file("jar"), content)
	c.put(tb, a.file("pom"), a.pom(""))
	return content
}

func jar(tb testing.TB, members ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(members); i += 2 {
		f, err := w.Create(members[i])
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := f.Write([]byte(members[i+1])); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
