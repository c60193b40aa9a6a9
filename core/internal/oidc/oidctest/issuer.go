// Package oidctest is an issuer of ID tokens for tests: discovery, keys, and
// tokens right and wrong, over HTTP on a loopback address.
package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Issuer is one that tests run themselves.
type Issuer struct {
	URL string
	// Asked is how often its keys were asked for.
	Asked atomic.Int64
	// Down: it answers nothing but 503.
	Down atomic.Bool

	mu   sync.Mutex
	keys []key // the last one signs
}

// key is a private key, and its name.
type key struct {
	id      string
	private any
	public  any
	alg     jose.SignatureAlgorithm
}

// Start runs an issuer with a key until tb ends.
func Start(tb testing.TB) *Issuer {
	tb.Helper()
	i := &Issuer{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.answer(w, map[string]any{
			// It says that it would sign with anything: nobody has to believe that.
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.Asked.Add(1)
		i.answer(w, i.public())
	})
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	i.URL = server.URL
	i.Rotate(tb)
	return i
}

func (i *Issuer) answer(w http.ResponseWriter, document any) {
	if i.Down.Load() {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}

func (i *Issuer) public() jose.JSONWebKeySet {
	i.mu.Lock()
	defer i.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, k := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.public, KeyID: k.id, Use: "sig"})
	}
	return set
}

// Rotate gives the issuer another RSA key to sign with, and takes away those before.
func (i *Issuer) Rotate(tb testing.TB) {
	tb.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	i.Use(private, private.Public(), jose.RS256)
}

// Use gives the issuer a key to sign with, and takes away those before.
func (i *Issuer) Use(private, public any, alg jose.SignatureAlgorithm) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []key{{id: rand.Text(), private: private, public: public, alg: alg}}
}

// Key is the public key that the issuer signs with now, and its name.
func (i *Issuer) Key() (public any, id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	k := i.keys[len(i.keys)-1]
	return k.public, k.id
}

// Claims are those of a token for an audience that is good for five minutes, with
// more of them added; one that is nil is taken away.
func (i *Issuer) Claims(audience, subject string, more map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": i.URL, "aud": audience, "sub": subject, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, more)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// Token is a token of the issuer, signed with its key.
func (i *Issuer) Token(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	i.mu.Lock()
	k := i.keys[len(i.keys)-1]
	i.mu.Unlock()
	return Sign(tb, k.alg, k.private, k.id, claims)
}

// Sign is a token with any key.
func Sign(tb testing.TB, alg jose.SignatureAlgorithm, private any, id string, claims map[string]any) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: private}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		tb.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// Unsigned is a token of the algorithm "none".
func Unsigned(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
}
