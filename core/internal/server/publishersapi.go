package server

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/publishers"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// publishersAPI mounts the API of a project's trusted publishers: the rules by
// which CI jobs are let in (package publishers).
func (s *Server) publishersAPI(e *gin.Engine) {
	const rules = "/api/v4/projects/:id/trusted_publishers"
	manages := func(writes bool, answer func(*manageCall) error) managed {
		return managed{Management: authz.Management{SignedIn: true, Least: registry.Maintainer, Writes: writes}, subject: ofProject, answer: answer}
	}
	s.manage(e, rules, map[string]managed{
		http.MethodGet:  manages(false, s.listPublishers),
		http.MethodPost: manages(true, s.createPublisher),
	})
	s.manage(e, rules+"/:publisher_id", map[string]managed{
		http.MethodGet:    manages(false, s.showPublisher),
		http.MethodPut:    manages(true, s.changePublisher),
		http.MethodDelete: manages(true, s.deletePublisher),
	})
}

// publisherDocument is a rule in JSON.
type publisherDocument struct {
	ID          int64                `json:"id"`
	ProjectID   int64                `json:"project_id"`
	Name        string               `json:"name"`
	Issuer      string               `json:"issuer"`
	IssuerName  *string              `json:"issuer_name"` // null: the operator does not trust it any more
	Subject     string               `json:"subject"`
	Claims      map[string]string    `json:"claims"`
	Environment *string              `json:"environment"`
	AccessLevel registry.AccessLevel `json:"access_level"`
	UserID      int64                `json:"user_id"` // of the bot
	Username    string               `json:"username"`
	CreatedByID *int64               `json:"created_by_id"`
	CreatedAt   apiTime              `json:"created_at"`
	UpdatedAt   apiTime              `json:"updated_at"`
}

func (s *Server) documentOfPublisher(p publishers.Publisher) publisherDocument {
	d := publisherDocument{
		ID: p.ID, ProjectID: p.ProjectID, Name: p.Name, Issuer: p.Issuer, Subject: p.Subject, Claims: p.Claims, AccessLevel: p.AccessLevel,
		UserID: p.BotID, Username: p.BotUsername, CreatedByID: unlessNone(p.CreatedByID), CreatedAt: apiTime(p.CreatedAt), UpdatedAt: apiTime(p.UpdatedAt),
	}
	if d.Claims == nil {
		d.Claims = map[string]string{}
	}
	if p.Environment != "" {
		d.Environment = &p.Environment
	}
	for _, i := range s.Publishers.Issuers() {
		if i.URL == p.Issuer {
			d.IssuerName = &i.Name
		}
	}
	return d
}

func (s *Server) listPublishers(r *manageCall) error {
	page := r.page()
	if err := r.err(); err != nil {
		return err
	}
	found, extent, err := s.Publishers.List(r.c.Request.Context(), r.caller.Project.ID, page)
	if err != nil {
		return err
	}
	return answerList(s, r, page, found, extent, s.documentOfPublisher)
}

func (s *Server) showPublisher(r *manageCall) error {
	id, err := r.id(5)
	if err != nil {
		return err
	}
	p, err := s.Publishers.Find(r.c.Request.Context(), r.caller.Project.ID, id)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, s.documentOfPublisher(p))
}

// createPublisher makes a rule; its jobs are Developers if nothing is said.
func (s *Server) createPublisher(r *manageCall) error {
	if err := r.noBot(); err != nil {
		return err
	}
	for _, name := range []string{"name", "issuer", "subject"} {
		_ = r.required(name)
	}
	p := publishers.Publisher{ProjectID: r.caller.Project.ID, CreatedByID: r.caller.Actor.UserID, AccessLevel: registry.Developer}
	r.publisherFields()(&p)
	if err := r.err(); err != nil {
		return err
	}
	p, err := s.Publishers.Create(r.c.Request.Context(), p)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, s.documentOfPublisher(p))
}

// changePublisher changes what is given. Claims are given all together.
func (s *Server) changePublisher(r *manageCall) error {
	if err := r.noBot(); err != nil {
		return err
	}
	id, err := r.id(5)
	if err != nil {
		return err
	}
	change := r.publisherFields()
	if err := r.err(); err != nil {
		return err
	}
	p, err := s.Publishers.Update(r.c.Request.Context(), r.caller.Project.ID, id, change)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, s.documentOfPublisher(p))
}

func (s *Server) deletePublisher(r *manageCall) error {
	id, err := r.id(5)
	if err != nil {
		return err
	}
	if err := s.Publishers.Delete(r.c.Request.Context(), r.caller.Project.ID, id); err != nil {
		return err
	}
	return r.empty(http.StatusNoContent)
}

// publisherFields reads the fields of a rule, and returns what they change of one.
func (r *manageCall) publisherFields() func(*publishers.Publisher) {
	name, issuer, subject, environment := r.text("name"), r.text("issuer"), r.text("subject"), r.text("environment")
	level := registry.AccessLevel(r.whole("access_level", 1))
	claims, claimed := r.members("claims")
	return func(p *publishers.Publisher) {
		if r.given("name") {
			p.Name = name
		}
		if r.given("issuer") {
			p.Issuer = issuer
		}
		if r.given("subject") {
			p.Subject = subject
		}
		if r.given("environment") {
			p.Environment = environment
		}
		if claimed {
			p.Claims = claims
		}
		p.AccessLevel = cmp.Or(level, p.AccessLevel)
	}
}

// members is a field that is an object of texts: in a form, "name[member]". given
// reports whether it is there, if only to say that it is empty.
func (p *parameters) members(name string) (members map[string]string, given bool) {
	members, given = map[string]string{}, p.given(name)
	for field := range p.values {
		member, ok := strings.CutPrefix(field, name+"[")
		if member, ok = cutBracket(member, ok); ok {
			members[member], given = p.text(field), true
		}
	}
	if v, _ := p.last(name); v != "" {
		p.wrong = append(p.wrong, name+" is invalid")
	}
	return members, given
}

func cutBracket(member string, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	return strings.CutSuffix(member, "]")
}
