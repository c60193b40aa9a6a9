package registrytest

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// secrets are all that somebody has been given, or has made up, on a registry.
// When the registry ends, none of them may be in what it and its plugins have logged.
type secrets struct {
	mu  sync.Mutex
	all []string
}

// Remember makes texts secrets, which the registry must never log: a test that
// makes up a password, or is answered with a token, says so. Those that commands
// print, or are given as --password, are remembered by themselves.
func (r *Registry) Remember(texts ...string) { r.secrets.add(texts...) }

// Secrets returns all that are known so far.
func (r *Registry) Secrets() []string {
	r.secrets.mu.Lock()
	defer r.secrets.mu.Unlock()
	return slices.Clone(r.secrets.all)
}

// shortest is from what length on a text cannot be in a log by accident.
const shortest = 8

func (s *secrets) add(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		if len(text) >= shortest && !slices.Contains(s.all, text) {
			s.all = append(s.all, text)
		}
	}
}

// find remembers the tokens in an answer.
func (s *secrets) find(answer []byte) {
	s.add(regexp.MustCompile(`gl(?:pat|dt|oat|ort|oas)-[0-9A-Za-z]{30,}`).FindAllString(string(answer), -1)...)
}

// RememberAnswer remembers the tokens in what a registry has answered.
func (r *Registry) RememberAnswer(body []byte) { r.secrets.find(body) }

// rememberArgs remembers the password that a command is given.
func (r *Registry) rememberArgs(args []string) {
	for i, a := range args {
		if value, ok := strings.CutPrefix(a, "--password="); ok {
			r.Remember(value)
		}
		if a == "--password" && i+1 < len(args) {
			r.Remember(args[i+1])
		}
	}
}

// check fails the test if a log has one of the secrets in it, or anything that
// looks like a token, or like the id of a sign-in, of which no test knows because a
// package client was given it. The message does not have the secret.
func (s *secrets) check(tb testing.TB, log string) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(log) {
		hidden := regexp.MustCompile(`gl(?:pat|dt|oat|ort|oas)-[0-9A-Za-z]{38}|\b[A-Z2-7]{26}\b`).ReplaceAllString(line, "[a secret]")
		for _, secret := range s.all {
			hidden = strings.ReplaceAll(hidden, secret, "[a secret]")
		}
		if hidden != line {
			tb.Errorf("registrytest: a secret is in the log: %s", hidden)
		}
	}
}
