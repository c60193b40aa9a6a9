package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"
)

// The prefixes of tokens, GitLab's: secret scanners know them.
const (
	PersonalPrefix = "glpat-"
	DeployPrefix   = "gldt-"
)

// The prefixes of what OAuth gives out. GitLab has only that of secrets, and no
// scanner would find the others without one. Of these, requests carry access
// tokens only.
const (
	OAuthPrefix             = "gloat-" // access tokens
	OAuthRefreshPrefix      = "glort-"
	ApplicationSecretPrefix = "gloas-"
)

const (
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomChars = 32 // 190 bits
	sumChars    = 6  // of crc32, in base 62
)

// NewToken makes a token: prefix, random text, and a checksum by which a
// scanner tells a token from a lookalike, and we a mistyped one without asking
// the database.
func NewToken(prefix string) string {
	text := make([]byte, randomChars)
	base := big.NewInt(int64(len(alphabet)))
	for i := range text {
		n, err := rand.Int(rand.Reader, base)
		if err != nil {
			panic(err) // crypto/rand never fails
		}
		text[i] = alphabet[n.Int64()]
	}
	return prefix + string(text) + checksum(string(text))
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	out := make([]byte, sumChars)
	for i := sumChars - 1; i >= 0; i-- {
		out[i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(out)
}

// WellFormed reports whether a text can be a token: a known prefix, the right
// length, and a checksum that agrees.
func WellFormed(token string) bool {
	for _, p := range []string{PersonalPrefix, DeployPrefix, OAuthPrefix} {
		if rest, ok := strings.CutPrefix(token, p); ok && len(rest) == randomChars+sumChars {
			return strings.Trim(rest, alphabet) == "" && checksum(rest[:randomChars]) == rest[randomChars:]
		}
	}
	return false
}

// Digest is what is stored of a token. The token's own randomness makes a slow
// hash pointless, and a request too expensive.
func Digest(token string) [32]byte { return sha256.Sum256([]byte(token)) }
