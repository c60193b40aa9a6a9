package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/sync/semaphore"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// passwordParams is what a password costs: the set with the least memory that
// OWASP's Password Storage Cheat Sheet recommends. It is written out because the
// library's default follows the machine's processors, so that equal passwords
// would cost different time on different nodes.
func passwordParams() *argon2id.Params {
	return &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// maxComparisons bounds the passwords that are compared at once, and so the
// memory (19 MiB each) and processors that strangers can make a node spend. Who
// waits longer than comparisonWait for a turn is sent away.
const (
	maxComparisons = 4
	comparisonWait = 5 * time.Second
)

// nobodysHash is compared where there is none, so that the time does not tell
// whether a user exists. It has the parameters of passwordParams and no known
// password.
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG/jEEmhsgGQs"

// HashPassword returns what is stored of a password: argon2id in PHC form.
func HashPassword(password string) (string, error) {
	hash, err := argon2id.CreateHash(password, passwordParams())
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// passwords compares passwords, a few at a time.
type passwords struct{ slots *semaphore.Weighted }

func newPasswords() *passwords { return &passwords{slots: semaphore.NewWeighted(maxComparisons)} }

// match compares a password with a stored hash; nil is a user who has none, or
// no user, and costs as much. The error is CodeUnavailable: the wait was too long.
func (p *passwords) match(ctx context.Context, password string, hash *string) (bool, error) {
	turn, cancel := context.WithTimeout(ctx, comparisonWait)
	defer cancel()
	if err := p.slots.Acquire(turn, 1); err != nil {
		return false, registry.Errorf(registry.CodeUnavailable, "too many are signing in at the moment, try again later").Because(err)
	}
	defer p.slots.Release(1)
	stored := nobodysHash
	if hash != nil {
		stored = *hash
	}
	match, err := argon2id.ComparePasswordAndHash(password, stored)
	if err != nil {
		match = false // a hash that cannot be read is nobody's password
	}
	return match && hash != nil, nil //nolint:nilerr // see above
}
