package oidc_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/pakhus/pakhus/core/internal/oidc"
	"github.com/pakhus/pakhus/core/internal/oidc/oidctest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

const audience = "https://registry.example.com"

func trusting(t *testing.T, issuers ...*oidctest.Issuer) *oidc.Verifier {
	t.Helper()
	cfg := oidc.Config{LoopbackHTTP: true, Again: time.Millisecond}
	for _, i := range issuers {
		cfg.Issuers = append(cfg.Issuers, oidc.Issuer{Name: "test", URL: i.URL, Audience: audience, Kind: oidc.Generic})
	}
	v := oidc.New()
	if err := v.Configure(cfg); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestATokenIsItsIssuers(t *testing.T) {
	t.Parallel()
	i := oidctest.Start(t)
	v := trusting(t, i)
	token, err := v.Verify(t.Context(), i.Token(t, i.Claims(audience, "job", map[string]any{"jti": "one", "repository": "acme/web"})))
	if err != nil {
		t.Fatal(err)
	}
	if token.Issuer.Name != "test" || token.Subject != "job" || token.Key != "one" || token.Text("repository") != "acme/web" || !token.Until.After(time.Now().Add(5*time.Minute)) {
		t.Errorf("got %+v", token)
	}
	if _, err := v.Verify(t.Context(), i.Token(t, i.Claims("x", "job", map[string]any{"aud": []string{"other", audience}}))); err != nil {
		t.Errorf("one of several audiences: %v", err)
	}
}

func TestWhatIsRefusedOfATokenAndWhy(t *testing.T) {
	t.Parallel()
	i, other := oidctest.Start(t), oidctest.Start(t)
	v := trusting(t, i)
	stolen, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, id := i.Key()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := func(more map[string]any) map[string]any { return i.Claims(audience, "job", more) }
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	right := i.Token(t, good(nil))
	parts := strings.Split(right, ".")
	swapped := strings.Split(i.Token(t, good(map[string]any{"sub": "another"})), ".")
	for name, c := range map[string]struct{ token, why string }{
		"wrong key":                 {oidctest.Sign(t, jose.RS256, stolen, id, good(nil)), "signature"},
		"a key nobody knows":        {oidctest.Sign(t, jose.RS256, stolen, "unknown", good(nil)), "signature"},
		"another issuer's key":      {other.Token(t, good(nil)), "signature"},
		"an issuer not trusted":     {other.Token(t, other.Claims(audience, "job", nil)), "issuer"},
		"a replaced subject":        {parts[0] + "." + swapped[1] + "." + parts[2], "signature"},
		"without a signature":       {parts[0] + "." + parts[1] + ".", "signature"},
		"alg none":                  {oidctest.Unsigned(t, good(nil)), "algorithm"},
		"HS256 with the public key": {oidctest.Sign(t, jose.HS256, asPEM, id, good(nil)), "algorithm"},
		"HS256 with its DER":        {oidctest.Sign(t, jose.HS256, der, id, good(nil)), "algorithm"},
		"wrong audience":            {i.Token(t, i.Claims("https://other.example.com", "job", nil)), "audience"},
		"no audience":               {i.Token(t, good(map[string]any{"aud": nil})), "audience"},
		"expired":                   {i.Token(t, good(map[string]any{"exp": at(-31 * time.Second)})), "expired"},
		"without an end":            {i.Token(t, good(map[string]any{"exp": nil})), "expired"},
		"not valid yet":             {i.Token(t, good(map[string]any{"nbf": at(45 * time.Second)})), "not valid yet"},
		"long not valid yet":        {i.Token(t, good(map[string]any{"nbf": at(time.Hour), "exp": at(2 * time.Hour)})), "not valid yet"},
		"issued in the future":      {i.Token(t, good(map[string]any{"iat": at(45 * time.Second)})), "not valid yet"},
		"too old":                   {i.Token(t, good(map[string]any{"iat": at(-time.Hour - time.Minute), "exp": at(time.Hour)})), "older"},
		"issued nobody knows when":  {i.Token(t, good(map[string]any{"iat": nil})), "when it was issued"},
		"without a subject":         {i.Token(t, good(map[string]any{"sub": nil})), "subject"},
		"an endless subject":        {i.Token(t, good(map[string]any{"sub": strings.Repeat("x", 1025)})), "subject"},
		"larger than any":           {i.Token(t, good(map[string]any{"x": strings.Repeat("x", oidc.MaxToken)})), "larger"},
		"no token":                  {"nonsense", "issuer"},
		"nothing":                   {"", "issuer"},
	} {
		_, err := v.Verify(t.Context(), c.token)
		if registry.CodeOf(err) != registry.CodeUnauthenticated || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
	// Clocks may be a little apart.
	for name, more := range map[string]map[string]any{"expired just now": {"exp": at(-20 * time.Second)}, "valid soon": {"nbf": at(20 * time.Second), "iat": at(20 * time.Second)}} {
		if _, err := v.Verify(t.Context(), i.Token(t, good(more))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOtherAlgorithmsWithAKeyPair(t *testing.T) {
	t.Parallel()
	i := oidctest.Start(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		private, public any
		alg             jose.SignatureAlgorithm
	}{{curve, curve.Public(), jose.ES256}, {private, public, jose.EdDSA}} {
		i.Use(c.private, c.public, c.alg)
		if _, err := trusting(t, i).Verify(t.Context(), i.Token(t, i.Claims(audience, "job", nil))); err != nil {
			t.Errorf("%s: %v", c.alg, err)
		}
	}
}

// A new key is found at once, a key that was withdrawn is good for no more than an
// hour, and nobody makes the registry ask an issuer more often than is allowed.
func TestKeysThatChange(t *testing.T) {
	t.Parallel()
	i := oidctest.Start(t)
	v := oidc.New()
	cfg := oidc.Config{LoopbackHTTP: true, Again: 200 * time.Millisecond, Issuers: []oidc.Issuer{{Name: "test", URL: i.URL, Audience: audience}}}
	if err := v.Configure(cfg); err != nil {
		t.Fatal(err)
	}
	old := i.Token(t, i.Claims(audience, "job", nil))
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	i.Rotate(t)
	fresh := i.Token(t, i.Claims(audience, "job", nil))
	began := time.Now()
	for {
		if _, err := v.Verify(t.Context(), fresh); err == nil {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("the new key was not found")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := v.Verify(t.Context(), old); registry.CodeOf(err) != registry.CodeUnauthenticated {
		t.Errorf("the key that was withdrawn: %v", err)
	}
	asked := i.Asked.Load()
	began = time.Now()
	for range 50 {
		_, _ = v.Verify(t.Context(), old)
	}
	if n, most := i.Asked.Load()-asked, int64(time.Since(began)/cfg.Again)+1; n > most {
		t.Errorf("50 tokens with a key that nobody knows: asked %d times, want %d", n, most)
	}
}

// Keys that are known are asked for again after an hour, and used for a day if the
// issuer is away.
func TestForHowLongKeysAreKept(t *testing.T) {
	t.Parallel()
	i := oidctest.Start(t)
	withdrawn, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.Use(withdrawn, withdrawn.Public(), jose.RS256)
	_, id := i.Key()
	var later atomic.Int64 // seconds
	now := func() time.Time { return time.Now().Add(time.Duration(later.Load()) * time.Second) }
	v := oidc.NewAt(now)
	if err := v.Configure(oidc.Config{LoopbackHTTP: true, Again: time.Millisecond, Issuers: []oidc.Issuer{{Name: "x", URL: i.URL, Audience: audience}}}); err != nil {
		t.Fatal(err)
	}
	verify := func() registry.Code {
		time.Sleep(2 * time.Millisecond)
		claims := i.Claims(audience, "job", map[string]any{"iat": now().Unix(), "nbf": now().Unix(), "exp": now().Add(time.Minute).Unix()})
		_, err := v.Verify(t.Context(), oidctest.Sign(t, jose.RS256, withdrawn, id, claims))
		return registry.CodeOf(err) // CodeInternal of none
	}
	at := func(after time.Duration, want registry.Code, what string) {
		t.Helper()
		later.Store(int64(after.Seconds()))
		if got := verify(); got != want {
			t.Errorf("%s: code %d, want %d", what, got, want)
		}
	}
	at(0, registry.CodeInternal, "at first")
	i.Down.Store(true)
	at(2*time.Hour, registry.CodeInternal, "the issuer is away")
	at(23*time.Hour, registry.CodeInternal, "it is away for long")
	at(25*time.Hour, registry.CodeUnavailable, "it is away for more than a day")
	i.Down.Store(false)
	at(26*time.Hour, registry.CodeInternal, "it is back")
	i.Rotate(t)
	at(26*time.Hour+50*time.Minute, registry.CodeInternal, "within the hour")
	at(27*time.Hour+time.Minute, registry.CodeUnauthenticated, "the key was withdrawn more than an hour ago")
}

func TestAnIssuerThatIsAwayIsNobodysFault(t *testing.T) {
	t.Parallel()
	i := oidctest.Start(t)
	v := trusting(t, i)
	token := i.Token(t, i.Claims(audience, "job", nil))
	i.Down.Store(true)
	if _, err := v.Verify(t.Context(), token); registry.CodeOf(err) != registry.CodeUnavailable {
		t.Errorf("before its keys are known: %v", err)
	}
	i.Down.Store(false)
	time.Sleep(5 * time.Millisecond)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	i.Down.Store(true)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("with a key that is known: %v", err)
	}
	i.Rotate(t)
	if _, err := v.Verify(t.Context(), i.Token(t, i.Claims(audience, "job", nil))); registry.CodeOf(err) != registry.CodeUnavailable {
		t.Errorf("with a key that is not: %v", err)
	}
}

// The operator's file makes the difference between an issuer and none.
func TestAnIssuerWithACertificateOfItsOwn(t *testing.T) {
	t.Parallel()
	i := oidctest.Start(t)
	at, err := url.Parse(i.URL)
	if err != nil {
		t.Fatal(err)
	}
	// The same documents over TLS, about the URL that they are at.
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_, _ = w.Write([]byte(`{"issuer":"` + server.URL + `","jwks_uri":"` + server.URL + `/keys"}`))
		default:
			resp, err := http.Get(at.String() + "/keys") //nolint:noctx // a test's own server
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.Copy(w, resp.Body)
		}
	})
	server.StartTLS()
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	token := i.Token(t, i.Claims(audience, "job", map[string]any{"iss": server.URL}))
	for ca, want := range map[string]registry.Code{"": registry.CodeUnavailable, file: registry.CodeUnauthenticated} {
		v := oidc.New()
		if err := v.Configure(oidc.Config{CAFile: ca, Issuers: []oidc.Issuer{{Name: "tls", URL: server.URL, Audience: "other"}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), token); registry.CodeOf(err) != want {
			t.Errorf("with %q: %v", ca, err)
		}
	}
}

func TestWhereAnIssuerMayBe(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]bool{ // not allowed, and allowed, to do without TLS
		"https://issuer.example.com":         {true, true},
		"https://issuer.example.com/realm/x": {true, true},
		"http://127.0.0.1:8080":              {false, true},
		"http://[::1]:8080":                  {false, true},
		"http://localhost:8080":              {false, false}, // a name
		"http://10.0.0.1":                    {false, false},
		"http://issuer.example.com":          {false, false},
		"https://user:hush@example.com":      {false, false},
		"https://example.com?x=y":            {false, false},
		"https://":                           {false, false},
		"file:///etc/passwd":                 {false, false},
		"example.com":                        {false, false},
		"":                                   {false, false},
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		for i, allowed := range []bool{false, true} {
			if err := oidc.CheckURL(u, allowed); (err == nil) != want[i] {
				t.Errorf("%s, %t: %v", address, allowed, err)
			}
		}
	}
}

// A document that names keys elsewhere does not make the registry speak without TLS.
func TestKeysAreAskedForAsCarefullyAsTheIssuer(t *testing.T) {
	t.Parallel()
	asked := false
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_, _ = w.Write([]byte(`{"issuer":"` + server.URL + `","jwks_uri":"` + server.URL + `/elsewhere"}`))
		case "/elsewhere":
			http.Redirect(w, r, "/keys", http.StatusFound)
		default:
			asked = true
		}
	})
	server.Start()
	t.Cleanup(server.Close)
	v := oidc.New()
	if err := v.Configure(oidc.Config{LoopbackHTTP: true, Issuers: []oidc.Issuer{{Name: "x", URL: server.URL, Audience: audience}}}); err != nil {
		t.Fatal(err)
	}
	i := oidctest.Start(t)
	if _, err := v.Verify(t.Context(), i.Token(t, i.Claims(audience, "job", map[string]any{"iss": server.URL}))); registry.CodeOf(err) != registry.CodeUnavailable || asked {
		t.Errorf("a redirect was followed: %t, %v", asked, err)
	}
}

func TestWhatClaimsSayOfARun(t *testing.T) {
	t.Parallel()
	i := oidctest.Start(t)
	for name, c := range map[string]struct {
		kind   oidc.Kind
		web    string
		claims map[string]any
		want   oidc.Build
	}{
		"github": {oidc.GitHub, "https://github.example.com/", map[string]any{
			"repository": "acme/web", "ref": "refs/heads/main", "sha": "abc", "run_id": "77", "run_number": "12", "run_attempt": "2", "workflow": "Release",
			"workflow_ref": "acme/web/.github/workflows/release.yml@refs/heads/main", "actor": "ann", "event_name": "push", "environment": "production",
		}, oidc.Build{
			RunID: "77", RunNumber: 12, RunURL: "https://github.example.com/acme/web/actions/runs/77/attempts/2", Repository: "acme/web", Ref: "refs/heads/main", SHA: "abc",
			Workflow: "acme/web/.github/workflows/release.yml@refs/heads/main", Actor: "ann", Event: "push", Environment: "production",
		}},
		"gitlab": {oidc.GitLab, "", map[string]any{
			"project_path": "acme/sub/web", "ref": "v1", "sha": "abc", "pipeline_id": "88", "pipeline_source": "web", "user_login": "ann",
			"ci_config_ref_uri": "gitlab.example.com/acme/web//.gitlab-ci.yml@refs/heads/main",
		}, oidc.Build{
			RunID: "88", RunURL: i.URL + "/acme/sub/web/-/pipelines/88", Repository: "acme/sub/web", Ref: "v1", SHA: "abc",
			Workflow: "gitlab.example.com/acme/web//.gitlab-ci.yml@refs/heads/main", Actor: "ann", Event: "web",
		}},
		"generic": {oidc.Generic, "", map[string]any{
			"repository": "r", "run_id": 9, "run_number": 3, "run_url": "https://ci.example.com/9", "event": "push", "actor": "a\x00b",
		}, oidc.Build{RunID: "9", RunNumber: 3, RunURL: "https://ci.example.com/9", Repository: "r", Event: "push", Actor: "ab"}},
		"a link that is none": {oidc.Generic, "", map[string]any{"run_url": "javascript:alert(1)", "run_number": "many"}, oidc.Build{}},
	} {
		v := oidc.New()
		cfg := oidc.Config{LoopbackHTTP: true, Issuers: []oidc.Issuer{{Name: "x", URL: i.URL, Audience: audience, Kind: c.kind, WebURL: c.web}}}
		if err := v.Configure(cfg); err != nil {
			t.Fatal(err)
		}
		token, err := v.Verify(t.Context(), i.Token(t, i.Claims(audience, "job", c.claims)))
		if err != nil {
			t.Fatal(err)
		}
		if got := token.Build(); got != c.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestAConfigurationThatCannotBeUsedChangesNothing(t *testing.T) {
	t.Parallel()
	i := oidctest.Start(t)
	v := trusting(t, i)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".absent"} {
		if err := v.Configure(oidc.Config{CAFile: file}); err == nil {
			t.Errorf("%s was taken", file)
		}
	}
	if len(v.Issuers()) != 1 {
		t.Errorf("got %v", v.Issuers())
	}
	if _, err := v.Verify(t.Context(), i.Token(t, i.Claims(audience, "job", nil))); err != nil {
		t.Error(err)
	}
}
