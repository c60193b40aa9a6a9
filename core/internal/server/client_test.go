package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/pakhus/pakhus/core/internal/auth"
)

func TestWhoAClientIs(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"203.0.113.9:1000", nil, "203.0.113.9"},
		{"203.0.113.9:1000", []string{"192.0.2.1"}, "203.0.113.9"}, // not by a proxy of ours
		{"10.0.0.1:1000", nil, "10.0.0.1"},
		{"10.0.0.1:1000", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1000", []string{"192.0.2.1"}, "192.0.2.1"},
		{"[::ffff:10.0.0.1]:1000", []string{"192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1000", []string{"192.0.2.66, 192.0.2.1"}, "192.0.2.1"}, // the first was the client's own word
		{"10.0.0.1:1000", []string{"192.0.2.66", "192.0.2.1"}, "192.0.2.1"},
		{"10.0.0.1:1000", []string{"192.0.2.66, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"10.0.0.1:1000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:1000", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		{"10.0.0.1:1000", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"[fd00::1]:1000", []string{"2001:db8::1"}, "2001:db8::1"},
		{"[fd00::1]:1000", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"[fd00::1]:1000", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"@", nil, "invalid IP"},
	} {
		s := &Server{Config: Config{TrustedProxies: trusted}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.forwarded
		if got := s.clientIP(r).String(); got != c.want {
			t.Errorf("%s, forwarded for %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

// Each credential has a name of its own, from which nothing can be learned; what
// may be a password has none.
func TestWhatCredentialsAreCalled(t *testing.T) {
	t.Parallel()
	one, two := auth.NewToken(auth.PersonalPrefix), auth.NewToken(auth.PersonalPrefix)
	seen := map[string]auth.Credentials{}
	for _, c := range []auth.Credentials{
		{Transport: auth.Bearer, Secret: one},
		{Transport: auth.Bearer, Secret: two},
		{Transport: auth.PrivateToken, Secret: one},
		{Transport: auth.Basic, Username: "ann", Secret: one},
		{Transport: auth.Basic, Username: "bob", Secret: one},
	} {
		name := called(c)
		if other, ok := seen[name]; ok || len(name) != 16 {
			t.Errorf("%s and %s are both called %q", c, other, name)
		}
		seen[name] = c
	}
	for _, secret := range []string{"", "password", one + "?"} {
		if name := called(auth.Credentials{Transport: auth.Basic, Username: "ann", Secret: secret}); name != "malformed" {
			t.Errorf("%q is called %q", secret, name)
		}
	}
}

// What telling credentials apart adds to each request that has some.
func BenchmarkCalled(b *testing.B) {
	c := auth.Credentials{Transport: auth.Bearer, Secret: auth.NewToken(auth.PersonalPrefix)}
	b.ReportAllocs()
	for b.Loop() {
		_ = called(c)
	}
}
