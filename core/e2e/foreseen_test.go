package e2e

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// What a rule or a token's names will refuse is refused before the upload: a
// client that asks whether to send is not told to, one that sends at once is
// answered, and nothing of it is stored.
func TestRefusedBeforeTheUpload(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	p := r.NewProject(t, "private")
	developer := r.NewUser(t, "developer", p.Path).Token
	for _, rule := range []string{"npm --names guarded", "maven --names com/guarded/*", "conan --names guarded"} {
		r.CLI(t, append([]string{"project", "protection", "add", p.Path, "--push", "owner", "--type"}, strings.Fields(rule)...)...)
	}
	named := granular(t, r, p, `"free*","com/free/*"`, "upload_package", "download_package")
	base := strings.TrimPrefix(packagesURL(r, p), r.URL)
	const digest = "0123456789abcdef0123456789abcdef"
	conan := func(name string) string {
		return "/conan/v2/conans/" + name + "/1.0/_/_/revisions/" + digest + "/files/conanfile.py"
	}
	for _, c := range []struct {
		what, token, path, header string
		says                      string // nothing: it is told to send
	}{
		{"npm, a rule", developer, "/npm/guarded", "", "Package protected."},
		{"npm, a rule in capitals", developer, "/npm/Guarded", "", "Package protected."},
		{"npm, a name", named, "/npm/other", "", "insufficient_granular_scope"},
		{"npm, a deprecation that the token has no permission for", named, "/npm/free", "npm-command: deprecate\r\n", "insufficient_granular_scope"},
		{"maven, a rule", developer, "/maven/com/guarded/app/1.0/app-1.0.jar", "", "Package protected."},
		{"maven, a name", named, "/maven/com/other/app/1.0/app-1.0.jar", "", "insufficient_granular_scope"},
		{"conan, a rule", developer, conan("guarded"), "", "Package protected."},
		{"conan, a name", named, conan("other"), "", "insufficient_granular_scope"},
		// Last, as what they begin to send is staged for a moment.
		{"npm, no rule", developer, "/npm/free", "", ""},
		{"npm, a name of its own", named, "/npm/free", "", ""},
		{"npm, the owner of all", r.Token, "/npm/guarded", "", ""},
		{"maven, no rule", developer, "/maven/com/free/app/1.0/app-1.0.jar", "", ""},
		{"maven, a name of its own", named, "/maven/com/free/app/1.0/app-1.0.jar", "", ""},
		{"conan, no rule", developer, conan("free"), "", ""},
		{"conan, a name of its own", named, conan("free"), "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			head := fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 400000000\r\n%s",
				base+c.path, strings.TrimPrefix(r.URL, "http://"), c.token, c.header)
			began := time.Now()
			status, body := waiting(t, r, head+"Expect: 100-continue\r\n\r\n")
			if c.says == "" {
				if status != http.StatusContinue {
					t.Errorf("%d %s", status, body)
				}
				return
			}
			if status != http.StatusForbidden || !strings.Contains(body, c.says) {
				t.Errorf("%d %s", status, body)
			}
			// The connection has ended with the answer: nobody waits for what will not be sent.
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			// Sent at once, it is refused as well.
			if status, body := waiting(t, r, head+"\r\n"+strings.Repeat("x", 1<<20)); status != http.StatusForbidden || !strings.Contains(body, c.says) {
				t.Errorf("sent at once: %d %s", status, body)
			}
			if n := staged(t, r); n != 0 {
				t.Errorf("%d bytes are staged", n)
			}
		})
	}
}

// waiting sends a request as far as it goes and returns the first answer: 100, or
// the whole of another one, at the end of the connection if there was an Expect.
func waiting(t *testing.T, r *registrytest.Registry, request string) (status int, body string) {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(c)
	line, err := reader.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &status); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if status == http.StatusContinue {
		return status, ""
	}
	if !strings.Contains(request, "Expect:") {
		resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(line), reader)), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		all, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return status, string(all)
	}
	all, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return status, string(all)
}

// staged is how many bytes lie in staging.
func staged(t *testing.T, r *registrytest.Registry) (total int64) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(r.Dir, "blobs", "staging"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		total += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}
