package auth_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		headers map[string]string
		query   string
		secret  string
		user    string
		present bool
		code    registry.Code // of the error; CodeInternal for none
	}{
		{"none", nil, "", "", "", false, 0},
		{"private token", map[string]string{"PRIVATE-TOKEN": "s"}, "", "s", "", true, 0},
		{"deploy token", map[string]string{"Deploy-Token": " s "}, "", "s", "", true, 0},
		{"bearer", map[string]string{"Authorization": "Bearer s"}, "", "s", "", true, 0},
		{"bearer in other case", map[string]string{"Authorization": "bearer  s"}, "", "s", "", true, 0},
		{"basic", map[string]string{"Authorization": basic("ann:s:t")}, "", "s:t", "ann", true, 0},
		{"basic without a user is none", map[string]string{"Authorization": basic(":s")}, "", "", "", false, 0},
		{"basic without a password is none", map[string]string{"Authorization": basic("ann:")}, "", "", "", false, 0},
		{"empty private token is none", map[string]string{"PRIVATE-TOKEN": ""}, "", "", "", false, 0},
		{"the same twice", map[string]string{"PRIVATE-TOKEN": "s", "Authorization": "Bearer s"}, "", "s", "", true, 0},
		{"two different ones", map[string]string{"PRIVATE-TOKEN": "s", "Authorization": "Bearer t"}, "", "", "", false, registry.CodeInvalid},
		{"two headers of other kinds", map[string]string{"Deploy-Token": "s", "Authorization": basic("a:t")}, "", "", "", false, registry.CodeInvalid},
		{"a job token", map[string]string{"JOB-TOKEN": " s "}, "", "s", "", true, 0},
		{"a job token and another one", map[string]string{"JOB-TOKEN": "s", "PRIVATE-TOKEN": "t"}, "", "", "", false, registry.CodeInvalid},
		{"basic that is no base64", map[string]string{"Authorization": "Basic ???"}, "", "", "", false, registry.CodeUnauthenticated},
		{"basic without a colon", map[string]string{"Authorization": basic("ann")}, "", "", "", false, registry.CodeUnauthenticated},
		{"bearer of nothing", map[string]string{"Authorization": "Bearer "}, "", "", "", false, registry.CodeUnauthenticated},
		{"unknown scheme", map[string]string{"Authorization": "Digest x"}, "", "", "", false, registry.CodeUnauthenticated},
		{"a private token in the query", nil, "private_token=s", "s", "", true, 0},
		{"an empty one is none", nil, "private_token=", "", "", false, 0},
		{"another one in a header", map[string]string{"PRIVATE-TOKEN": "t"}, "private_token=s", "", "", false, registry.CodeInvalid},
		{"a job token in the query", nil, "job_token=s", "s", "", true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{Header: http.Header{}, URL: &url.URL{RawQuery: c.query}}
			for k, v := range c.headers {
				r.Header.Set(k, v)
			}
			got, present, err := auth.Parse(r)
			if registry.CodeOf(err) != c.code || (err == nil) != (c.code == 0) {
				t.Fatalf("error %v", err)
			}
			if present != c.present || got.Secret != c.secret || got.Username != c.user {
				t.Errorf("got %q %q %t", got.Username, got.Secret, present)
			}
		})
	}
}

func TestCredentialsNeverShowTheirSecret(t *testing.T) {
	t.Parallel()
	c := auth.Credentials{Transport: auth.Bearer, Secret: "hush"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, c); strings.Contains(text, "hush") {
			t.Errorf("%s shows %q", format, text)
		}
	}
	var log bytes.Buffer
	hclog.New(&hclog.LoggerOptions{Output: &log, JSONFormat: true}).Info("m", "credentials", c, "pointer", &c)
	hclog.New(&hclog.LoggerOptions{Output: &log}).Info("m", "credentials", c, "pointer", &c)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "credentials", c)
	if strings.Contains(log.String(), "hush") || strings.Count(log.String(), "redacted") != 5 {
		t.Errorf("logged as %s", log.String())
	}
}

func TestTokensCarryAChecksum(t *testing.T) {
	t.Parallel()
	token := auth.NewToken(auth.PersonalPrefix)
	if !auth.WellFormed(token) {
		t.Fatalf("%q is not well formed", token)
	}
	if token == auth.NewToken(auth.PersonalPrefix) {
		t.Fatal("two tokens are the same")
	}
	for i := range token {
		mistyped := []byte(token)
		mistyped[i] ^= 1
		if auth.WellFormed(string(mistyped)) {
			t.Errorf("%q is taken for well formed", mistyped)
		}
	}
	for _, no := range []string{"", "glpat-", token + "x", token[1:], "glpat-" + strings.Repeat("0", 38)} {
		if auth.WellFormed(no) {
			t.Errorf("%q is taken for well formed", no)
		}
	}
}

func TestParseProjectRef(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]auth.ProjectRef{
		"7": {ID: 7}, "a/b": {Path: "a/b"}, "a": {}, "": {}, "-1": {}, "+7": {}, "7e0": {}, "0": {}, "99999999999999999999": {}, "7/8": {Path: "7/8"},
	} {
		if got := auth.ParseProjectRef(text); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"Basic YTpi", "Bearer x", "Basic ====", "", "Basic", "basic OmI=", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		c, present, err := auth.Parse(r)
		if present && (c.Secret == "" || err != nil) {
			t.Fatalf("present with secret %q and error %v", c.Secret, err)
		}
	})
}

// A token is what NewToken could have made, and nothing else.
func FuzzWellFormed(f *testing.F) {
	for _, seed := range []string{
		"glpat-0123456789ABCDEFGHIJKLMNOPQRSTUV2gx0Vd", auth.NewToken(auth.PersonalPrefix), auth.NewToken(auth.DeployPrefix), "glpat-", "gldt-", "", "glpat-\x00",
	} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^(glpat|gldt)-[0-9A-Za-z]{38}$`)
	f.Fuzz(func(t *testing.T, token string) {
		if auth.WellFormed(token) && !form.MatchString(token) {
			t.Fatalf("%q is taken for a token", token)
		}
	})
}
