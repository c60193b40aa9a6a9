package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// Token is an ID token that was checked.
type Token struct {
	Issuer  Issuer
	Subject string
	// Key tells it from all others of its issuer: its "jti", or its digest.
	Key string
	// Until is when it is refused for its age, whatever was done with it: a note
	// that it was used need not be kept for longer.
	Until time.Time

	claims map[string]any
}

// MaxToken bounds an ID token. Those of CI have two or three kilobytes.
const MaxToken = 16 << 10

// maxText bounds what is taken from a claim.
const maxText = 1024

// Verify checks a token: that it is of an issuer that is trusted, who signed it
// with a key of theirs, for this registry, and that it is good now. One that is not
// is CodeUnauthenticated, and the words say why.
func (v *Verifier) Verify(ctx context.Context, raw string) (Token, error) {
	if len(raw) > MaxToken {
		return Token{}, refused("it is larger than %d bytes", MaxToken)
	}
	now := v.now()
	known := v.current.Load()
	of, ok := known.byURL[issuerOf(raw)]
	if !ok {
		// Whose it says that it is, is not repeated: nobody has signed that.
		return Token{}, refused("its issuer is not one that this registry trusts")
	}
	verifier, err := of.current(ctx)
	if err != nil {
		return Token{}, err
	}
	var signed signature
	checked, err := verifier.Verify(context.WithValue(ctx, signatureKey{}, &signed), raw)
	if err != nil {
		return Token{}, of.why(err, signed)
	}
	var times struct {
		ID        string  `json:"jti"`
		NotBefore float64 `json:"nbf"`
	}
	t := Token{Issuer: of.Issuer, Subject: checked.Subject}
	if err := errors.Join(checked.Claims(&times), checked.Claims(&t.claims)); err != nil {
		return Token{}, refused("its claims cannot be read")
	}
	switch {
	case checked.IssuedAt.IsZero() || checked.IssuedAt.Unix() == 0:
		return Token{}, refused("it does not say when it was issued")
	case checked.IssuedAt.After(now.Add(leeway)), time.Unix(int64(times.NotBefore), 0).After(now.Add(leeway)):
		return Token{}, refused("it is not valid yet")
	case checked.IssuedAt.Add(known.maxAge + leeway).Before(now):
		return Token{}, refused("it is older than %s", known.maxAge)
	case t.Subject == "" || len(t.Subject) > maxText || strings.ContainsRune(t.Subject, 0):
		return Token{}, refused("it has no subject, or one that is too long")
	}
	t.Until = checked.Expiry
	if latest := checked.IssuedAt.Add(known.maxAge); latest.Before(t.Until) {
		t.Until = latest
	}
	t.Until = t.Until.Add(2 * leeway) // clocks again: this one and the database's
	if t.Key = times.ID; t.Key == "" || len(t.Key) > maxText || strings.ContainsRune(t.Key, 0) {
		// The signature is left out: of some algorithms there are many for one token.
		sum := sha256.Sum256(signed.payload)
		t.Key = "sha256:" + hex.EncodeToString(sum[:])
	}
	return t, nil
}

// why says what is wrong with a token that the library refused.
func (i *issuer) why(err error, signed signature) error {
	switch {
	case signed.unreachable != nil:
		return i.unavailable(signed.unreachable)
	case !signed.tried:
		return refused("it is not signed with an algorithm that is accepted").Because(err)
	case signed.payload == nil:
		return refused("its signature is not one of its issuer's").Because(err)
	}
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return refused("it has expired").Because(err)
	}
	var claims struct {
		Audience any     `json:"aud"`
		NotAfter float64 `json:"exp"`
	}
	if json.Unmarshal(signed.payload, &claims) == nil && !has(claims.Audience, i.Audience) {
		return refused("its audience is not %q", i.Audience).Because(err)
	}
	return refused("it is not valid yet, or its claims cannot be read").Because(err)
}

func refused(format string, args ...any) *registry.Error {
	return registry.Errorf(registry.CodeUnauthenticated, "The ID token was refused: "+format, args...)
}

// issuerOf reads who a token says that it is of, before anything is checked; empty
// if it cannot be read.
func issuerOf(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// Has reports whether a claim is a text that fits, or a list with one in it.
// Numbers and truths are compared as they are written.
func (t Token) Has(claim string, fits func(string) bool) bool {
	return slices.ContainsFunc(texts(t.claims[claim]), fits)
}

// Text is a claim as text, cut to what is kept; empty if it is a list, or not there.
func (t Token) Text(claim string) string {
	if _, list := t.claims[claim].([]any); list {
		return ""
	}
	for _, text := range texts(t.claims[claim]) {
		return cut(text)
	}
	return ""
}

// cut makes of a text one that the database can hold.
func cut(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}

func has(claim any, want string) bool { return slices.Contains(texts(claim), want) }

func texts(claim any) []string {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case []any:
		var all []string
		for _, one := range v {
			if _, list := one.([]any); !list {
				all = append(all, texts(one)...)
			}
		}
		return all
	}
	return nil
}
