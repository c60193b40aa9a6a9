package oidc

import "time"

// NewAt makes a Verifier with a clock of its own.
func NewAt(now func() time.Time) *Verifier {
	v := New()
	v.now = now
	return v
}
