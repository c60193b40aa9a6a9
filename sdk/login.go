package sdk

import (
	"fmt"

	"github.com/pakhus/pakhus/sdk/spec"
)

// The placeholders that templates of login outcomes contain. They need no
// escaping in JSON; the core replaces them, so a plugin never sees a token.
const (
	TokenPlaceholder    = "$PAKHUS_TOKEN$"     //nolint:gosec // not a credential: where one will stand
	LoginURLPlaceholder = "$PAKHUS_LOGIN_URL$" // a page where a person signs in
	LoginIDPlaceholder  = "$PAKHUS_LOGIN_ID$"  // for PollLogin
)

// TokenIssue answers a login with a new token.
type TokenIssue struct {
	template *Response
	name     string
}

// IssueToken makes a token for the request's actor, never wider or longer-lived
// than the credential that asked for it, and answers with template, in whose
// body it stands for [TokenPlaceholder]. Name is what the owner reads in the
// list of tokens.
func IssueToken(name string, template *Response) *TokenIssue {
	return &TokenIssue{template: template, name: name}
}

func (t *TokenIssue) render(style ErrorStyle) (*spec.Response, error) {
	template, err := t.template.http()
	if err != nil {
		return nil, err
	}
	return withPlan(&spec.IssueToken{Template: *template, Placeholder: TokenPlaceholder, Name: t.name}, t.template.plan, style, nil)
}

// LoginStart begins a sign-in in the browser.
type LoginStart struct {
	template *Response
	name     string
}

// StartLogin begins a sign-in in the browser and answers with template, in whose
// body [LoginURLPlaceholder] and [LoginIDPlaceholder] are replaced. Name is that
// of the token that is made in the end.
func StartLogin(name string, template *Response) *LoginStart {
	return &LoginStart{template: template, name: name}
}

func (l *LoginStart) render(style ErrorStyle) (*spec.Response, error) {
	template, err := l.template.http()
	if err != nil {
		return nil, err
	}
	return withPlan(&spec.StartLogin{
		Template: *template, LoginURLPlaceholder: LoginURLPlaceholder, LoginIDPlaceholder: LoginIDPlaceholder, Name: l.name,
	}, l.template.plan, style, nil)
}

// LoginPoll asks how a sign-in stands.
type LoginPoll struct {
	id                  string
	pending, done, gone *Response
}

// PollLogin answers with pending while nobody has signed in, once with done, in
// whose body [TokenPlaceholder] is replaced, and with gone for a sign-in that
// does not exist, was refused, was used already, or is over time.
func PollLogin(id string, pending, done, gone *Response) *LoginPoll {
	return &LoginPoll{id: id, pending: pending, done: done, gone: gone}
}

func (l *LoginPoll) render(ErrorStyle) (*spec.Response, error) {
	poll := &spec.PollLogin{LoginID: l.id, Placeholder: TokenPlaceholder}
	for _, part := range []struct {
		from *Response
		to   *spec.HTTPResponse
	}{{l.pending, &poll.Pending}, {l.done, &poll.Template}, {l.gone, &poll.Gone}} {
		answer, err := part.from.http()
		if err != nil {
			return nil, err
		}
		if !part.from.plan.empty() {
			return nil, fmt.Errorf("sdk: a poll of a sign-in has no plan")
		}
		*part.to = *answer
	}
	return &spec.Response{Outcome: poll}, nil
}
