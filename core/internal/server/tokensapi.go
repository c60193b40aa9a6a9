package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// tokensAPI mounts GitLab's API about tokens: personal ones, those of bots of
// projects and groups, and deploy tokens.
func (s *Server) tokensAPI(e *gin.Engine) {
	mine := authz.Management{SignedIn: true}
	change := authz.Management{SignedIn: true, Writes: true}
	admin := authz.Management{Admin: true, Writes: true}
	const personal = "/api/v4/personal_access_tokens"
	s.manage(e, personal, map[string]managed{http.MethodGet: {mine, ofInstance, s.listPersonalTokens}})
	s.manage(e, personal+"/:token_id", map[string]managed{
		http.MethodGet:    {mine, ofInstance, s.showPersonalToken},
		http.MethodDelete: {change, ofInstance, s.revokePersonalToken},
	})
	s.manage(e, personal+"/:token_id/rotate", map[string]managed{http.MethodPost: {change, ofInstance, s.rotatePersonalToken}})
	s.manage(e, "/api/v4/users/:user_id/personal_access_tokens", map[string]managed{http.MethodPost: {admin, ofInstance, s.createPersonalToken}})

	for _, place := range []struct {
		subject subject
		path    string
		least   registry.AccessLevel // who manages what belongs to it, as in GitLab
	}{{ofProject, "/api/v4/projects/:id", registry.Maintainer}, {ofGroup, "/api/v4/groups/:id", registry.Owner}} {
		see := authz.Management{SignedIn: true, Least: place.least}
		change := authz.Management{SignedIn: true, Least: place.least, Writes: true}
		s.manage(e, place.path+"/access_tokens", map[string]managed{
			http.MethodGet: {see, place.subject, s.listAccessTokens}, http.MethodPost: {change, place.subject, s.createAccessToken},
		})
		s.manage(e, place.path+"/access_tokens/:token_id", map[string]managed{
			http.MethodGet: {see, place.subject, s.showAccessToken}, http.MethodDelete: {change, place.subject, s.revokeAccessToken},
		})
		s.manage(e, place.path+"/access_tokens/:token_id/rotate", map[string]managed{http.MethodPost: {change, place.subject, s.rotateAccessToken}})
		s.manage(e, place.path+"/deploy_tokens", map[string]managed{
			http.MethodGet: {see, place.subject, s.listDeployTokens}, http.MethodPost: {change, place.subject, s.createDeployToken},
		})
		s.manage(e, place.path+"/deploy_tokens/:token_id", map[string]managed{
			http.MethodGet: {see, place.subject, s.showDeployToken}, http.MethodDelete: {change, place.subject, s.revokeDeployToken},
		})
	}
	s.manage(e, "/api/v4/deploy_tokens", map[string]managed{http.MethodGet: {authz.Management{Admin: true}, ofInstance, s.listDeployTokens}})
}

// tokenDocument is a personal token, or one of a bot, in GitLab's JSON.
type tokenDocument struct {
	ID          int64                `json:"id"`
	Name        string               `json:"name"`
	Revoked     bool                 `json:"revoked"`
	CreatedAt   apiTime              `json:"created_at"`
	Description string               `json:"description"`
	Scopes      []string             `json:"scopes"`
	Granular    bool                 `json:"granular,omitzero"`
	Granulars   []granularDocument   `json:"granular_scopes,omitzero"`
	UserID      int64                `json:"user_id"`
	LastUsedAt  *apiTime             `json:"last_used_at"`
	Active      bool                 `json:"active"`
	ExpiresAt   *string              `json:"expires_at"` // the day on which it is good no more
	AccessLevel registry.AccessLevel `json:"access_level,omitzero"`
	Token       string               `json:"token,omitzero"` // shown once
}

func documentOfToken(t accounts.Token, secret string) tokenDocument {
	d := tokenDocument{
		ID: t.ID, Name: t.Name, Revoked: t.Revoked, CreatedAt: apiTime(t.CreatedAt), Description: t.Description, Scopes: t.Scopes, UserID: t.UserID,
		Granular: len(t.Granular) > 0, Granulars: granularDocuments(t.Granular), Active: t.Active(time.Now()), AccessLevel: t.AccessLevel, Token: secret,
	}
	if t.LastUsedAt != nil {
		at := apiTime(*t.LastUsedAt)
		d.LastUsedAt = &at
	}
	if t.ExpiresAt != nil {
		day := t.ExpiresAt.UTC().Format(time.DateOnly)
		d.ExpiresAt = &day
	}
	return d
}

// answerTokens answers with a page of tokens.
func (s *Server) answerTokens(r *manageCall, f accounts.TokenFilter, document func(accounts.Token) any) error {
	page := r.page()
	f.Page, f.PerPage = page.Number, page.Size
	f.Search = r.text("search")
	if r.given("revoked") {
		revoked := r.boolean("revoked")
		f.Revoked = &revoked
	}
	switch r.oneOf("state", "", "active", "inactive") {
	case "active":
		active := true
		f.Active = &active
	case "inactive":
		active := false
		f.Active = &active
	}
	if err := r.err(); err != nil {
		return err
	}
	tokens, total, err := s.Accounts.Tokens(r.c.Request.Context(), f)
	if err != nil {
		return err
	}
	documents := make([]any, len(tokens))
	for i, t := range tokens {
		documents[i] = document(t)
	}
	s.pageHeaders(r.c.Writer.Header(), r.c.Request, page, packages.Extent{Total: total, More: page.Number*page.Size < total}, len(tokens))
	return r.json(http.StatusOK, documents)
}

// day is a field that is a day: the first on which something is good no more, in UTC.
func (p *parameters) day(name string) *time.Time {
	text := p.text(name)
	if text == "" {
		return nil
	}
	end, err := time.Parse(time.DateOnly, text)
	if err != nil {
		p.wrong = append(p.wrong, name+" is invalid")
		return nil
	}
	return &end
}

// The longest life of a token that is made by the API, and what one has that is
// put in another's place, if nothing is said: GitLab's 365 days, and a week.
const (
	tokenLife   = 365 * 24 * time.Hour
	rotatedLife = 7 * 24 * time.Hour
)

// expiry is when a token that is made now ends, in so long if nothing is said.
func (r *manageCall) expiry(usual time.Duration) *time.Time {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	latest := today.Add(tokenLife)
	end := r.day("expires_at")
	switch {
	case end == nil:
		end := today.Add(usual)
		return &end
	case end.After(latest):
		r.wrong = append(r.wrong, "expires_at must be before "+latest.AddDate(0, 0, 1).Format(time.DateOnly))
	case !end.After(time.Now()):
		r.wrong = append(r.wrong, "expires_at must be in the future")
	}
	return end
}
