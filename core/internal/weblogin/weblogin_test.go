package weblogin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/weblogin"
)

type page struct {
	*httptest.Server
	logins *weblogin.Logins
	db     *pgtest.Database
}

func setup(t *testing.T) *page {
	t.Helper()
	db := pgtest.New(t)
	if _, err := accounts.New(db.Pool).CreateUser(t.Context(), accounts.NewUser{Username: "ann", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	logins := weblogin.New(db.Pool)
	server := httptest.NewServer(weblogin.Handler(logins, auth.New(db.Pool), hclog.NewNullLogger()))
	t.Cleanup(server.Close)
	return &page{server, logins, db}
}

// submit posts the form and returns the page.
func (p *page) submit(t *testing.T, id, user, password string, header http.Header) (int, string) {
	t.Helper()
	form := url.Values{"username": {user}, "password": {password}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/-/login/"+id, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAPersonSignsInAndTheClientGetsItOnce(t *testing.T) {
	t.Parallel()
	p := setup(t)
	id, poll, err := p.logins.Start(t.Context(), "npm login")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := p.logins.Poll(t.Context(), poll); err != nil || r.State != weblogin.Pending {
		t.Fatal(r, err)
	}
	if status, body := p.submit(t, id, "ann", "wrong", nil); status != http.StatusUnauthorized || !strings.Contains(body, "Wrong user name or password") {
		t.Fatal(status, body)
	}
	if status, body := p.submit(t, id, "ann", "correct horse", nil); status != http.StatusOK || !strings.Contains(body, "You are signed in") {
		t.Fatal(status, body)
	}
	if status, _ := p.submit(t, id, "ann", "correct horse", nil); status != http.StatusNotFound {
		t.Fatal("the page can be used twice")
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		ready int
	)
	for range 8 {
		wg.Go(func() {
			r, err := p.logins.Poll(t.Context(), poll)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if r.State == weblogin.Ready {
				ready++
				if r.Actor.Username != "ann" || !r.Actor.Has(registry.ScopeAPI) || r.Name != "npm login" {
					t.Errorf("got %+v", r)
				}
			}
		})
	}
	wg.Wait()
	if ready != 1 {
		t.Fatalf("%d of 8 polls got the sign-in", ready)
	}
}

func TestTheSignInIsNoWiderThanTheTokenItWasMadeWith(t *testing.T) {
	t.Parallel()
	p := setup(t)
	a := accounts.New(p.db.Pool)
	u, err := a.FindUser(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := a.CreatePersonalToken(t.Context(), u, accounts.NewPersonalToken{Scopes: []string{"read_api"}})
	if err != nil {
		t.Fatal(err)
	}
	id, poll, err := p.logins.Start(t.Context(), "npm login")
	if err != nil {
		t.Fatal(err)
	}
	if status, body := p.submit(t, id, "ann", token, nil); status != http.StatusOK {
		t.Fatal(status, body)
	}
	r, err := p.logins.Poll(t.Context(), poll)
	if err != nil || r.State != weblogin.Ready || r.Actor.Has(registry.ScopeAPI) || !r.Actor.Has(registry.ScopeReadAPI) {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestAFormFromElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	p := setup(t)
	id, poll, err := p.logins.Start(t.Context(), "npm login")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://elsewhere.example"}}} {
		if status, _ := p.submit(t, id, "ann", "correct horse", h); status != http.StatusForbidden {
			t.Errorf("%v: status %d", h, status)
		}
	}
	if r, err := p.logins.Poll(t.Context(), poll); err != nil || r.State != weblogin.Pending {
		t.Error(r, err)
	}
}

func TestASignInEndsByItself(t *testing.T) {
	t.Parallel()
	p := setup(t)
	id, poll, err := p.logins.Start(t.Context(), "npm login")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.db.Pool.Exec(t.Context(), "update web_logins set expires_at = now()"); err != nil {
		t.Fatal(err)
	}
	if status, _ := p.submit(t, id, "ann", "correct horse", nil); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
	if r, err := p.logins.Poll(t.Context(), poll); err != nil || r.State != weblogin.Gone {
		t.Error(r, err)
	}
	if r, err := p.logins.Poll(t.Context(), "nonsense"); err != nil || r.State != weblogin.Gone {
		t.Error(r, err)
	}
}

// A poll that meets the very moment of the sign-in does not lose it.
func TestAPollDuringTheSignInDoesNotLoseIt(t *testing.T) {
	t.Parallel()
	p := setup(t)
	u, err := accounts.New(p.db.Pool).FindUser(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	actor := registry.Actor{Kind: registry.User, UserID: u.ID, Scopes: []registry.Scope{registry.ScopeAPI}}
	for range 50 {
		id, poll, err := p.logins.Start(t.Context(), "npm login")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if ok, err := p.logins.Complete(t.Context(), id, actor); !ok || err != nil {
				t.Errorf("complete: %t, %v", ok, err)
			}
		})
		for {
			r, err := p.logins.Poll(t.Context(), poll)
			if err != nil || r.State == weblogin.Gone {
				t.Fatalf("%+v, %v", r, err)
			}
			if r.State == weblogin.Ready {
				break
			}
		}
		wg.Wait()
	}
}

func TestABlockedUserGetsNoToken(t *testing.T) {
	t.Parallel()
	p := setup(t)
	id, poll, err := p.logins.Start(t.Context(), "npm login")
	if err != nil {
		t.Fatal(err)
	}
	if status, body := p.submit(t, id, "ann", "correct horse", nil); status != http.StatusOK {
		t.Fatal(status, body)
	}
	if err := accounts.New(p.db.Pool).BlockUser(t.Context(), "ann", true); err != nil {
		t.Fatal(err)
	}
	if r, err := p.logins.Poll(t.Context(), poll); err != nil || r.State != weblogin.Gone {
		t.Error(r, err)
	}
}

func TestThePageIsKeptFromFramesCachesAndScripts(t *testing.T) {
	t.Parallel()
	p := setup(t)
	id, _, err := p.logins.Start(t.Context(), `<script>alert("npm")</script>`)
	if err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{"/-/login/" + id: http.StatusOK, "/-/login/nonsense": http.StatusNotFound} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != status || strings.Contains(string(body), "<script") {
			t.Errorf("%s: %d, %v\n%s", path, resp.StatusCode, err, body)
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "frame-ancestors 'none'",
		} {
			if got := resp.Header.Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}
