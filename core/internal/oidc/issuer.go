package oidc

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// issuer finds the keys of an Issuer, and keeps them.
type issuer struct {
	Issuer

	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	found    time.Time // when the issuer last said where its keys are
	tried    time.Time // when it was last asked
}

const (
	// freshFor is how long keys are used without asking for them again: one that an
	// issuer has withdrawn is good for no longer. A key that is new is looked for at once.
	freshFor = time.Hour
	// staleFor is how long they are used while the issuer cannot be asked.
	staleFor = 24 * time.Hour
	// retry is how often it is tried meanwhile.
	retry = time.Minute
	// leeway is how far clocks may be apart.
	leeway = 30 * time.Second
)

// algorithms are those that a token may be signed with: none that has no key,
// and none whose key would have to be a secret.
func algorithms() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
		oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
	}
}

// current returns the verifier of the issuer's tokens. An issuer that cannot be
// asked is CodeUnavailable.
func (i *issuer) current(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	age := now.Sub(i.found)
	if i.verifier != nil && (age < freshFor || (age < staleFor && now.Sub(i.tried) < retry)) {
		return i.verifier, nil
	}
	i.tried = now
	// Whose request it was may go away: the answer is everybody's.
	lasting := oidc.ClientContext(context.WithoutCancel(ctx), i.client)
	ask, cancel := context.WithTimeout(lasting, askTime)
	defer cancel()
	provider, err := oidc.NewProvider(ask, i.URL)
	if err != nil {
		if i.verifier != nil && age < staleFor {
			return i.verifier, nil
		}
		return nil, i.unavailable(err)
	}
	var document struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil {
		return nil, i.unavailable(err)
	}
	keys := oidc.NewRemoteKeySet(lasting, document.Keys)
	i.verifier = oidc.NewVerifier(i.URL, &watchedKeys{keys: keys}, &oidc.Config{
		ClientID: i.Audience, SupportedSigningAlgs: algorithms(), Now: func() time.Time { return i.now().Add(-leeway) },
	})
	i.found = now
	return i.verifier, nil
}

func (i *issuer) unavailable(err error) error {
	if text := err.Error(); len(text) > maxText {
		err = errors.New(cut(text)) // the library quotes what it was answered
	}
	return registry.Errorf(registry.CodeUnavailable, "the issuer %s cannot be asked for its keys at the moment, try again later", i.Name).Because(err)
}

// watchedKeys notes what became of a signature: the library's errors say so in
// words alone.
type watchedKeys struct{ keys *oidc.RemoteKeySet }

type signature struct {
	tried       bool
	payload     []byte
	unreachable error // the keys could not be asked for
}

type signatureKey struct{}

// VerifySignature implements oidc.KeySet.
func (k *watchedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.keys.VerifySignature(ctx, jwt)
	if s, ok := ctx.Value(signatureKey{}).(*signature); ok {
		s.tried, s.payload = true, payload
		// A signature that is wrong has no cause; keys that could not be fetched have one.
		if errors.Unwrap(err) != nil {
			s.unreachable = err
		}
	}
	return payload, err
}
