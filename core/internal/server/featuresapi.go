package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/features"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// featuresAPI mounts GitLab's API of feature flags, for the switches of formats'
// routes. As there, all of it is for administrators.
func (s *Server) featuresAPI(e *gin.Engine) {
	reads, writes := authz.Management{Admin: true}, authz.Management{Admin: true, Writes: true}
	s.manage(e, "/api/v4/features", map[string]managed{
		http.MethodGet: {Management: reads, answer: s.listFeatures},
	})
	s.manage(e, "/api/v4/features/definitions", map[string]managed{
		http.MethodGet: {Management: reads, answer: s.listFeatureDefinitions},
	})
	s.manage(e, "/api/v4/features/:name", map[string]managed{
		http.MethodPost:   {Management: writes, answer: s.setFeature},
		http.MethodDelete: {Management: writes, answer: s.deleteFeature},
	})
}

// listFeatures answers with the switches that somebody has set.
func (s *Server) listFeatures(r *manageCall) error {
	settings, now, err := s.featureSettings(r)
	if err != nil {
		return err
	}
	documents := []featureDocument{}
	for _, x := range settings {
		if n := len(documents); n == 0 || documents[n-1].Name != x.Name {
			documents = append(documents, s.featureDocument(x.Name, settings, now))
		}
	}
	return r.json(http.StatusOK, documents)
}

func (s *Server) listFeatureDefinitions(r *manageCall) error {
	now, err := s.Features.Current(r.c.Request.Context())
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, s.featureDefinitions(now))
}

// setFeature switches for the places that the fields name; for the instance if
// they name none.
func (s *Server) setFeature(r *manageCall) error {
	name := r.segment(3)
	on := r.switchPosition()
	for _, unknown := range []string{"user", "feature_group", "repository", "key"} {
		if r.given(unknown) {
			r.wrong = append(r.wrong, unknown+" is not supported")
		}
	}
	if !features.ValidName(name) {
		r.wrong = append(r.wrong, "name is invalid")
	} else if now, err := s.Features.Current(r.c.Request.Context()); err != nil {
		return err
	} else if !r.boolean("force") && !s.definesFeature(name, now) {
		r.wrong = append(r.wrong, "name is no feature of this registry (force=true sets it all the same)")
	}
	places, err := s.featurePlaces(r, name)
	if err != nil {
		return err
	}
	if err := r.err(); err != nil {
		return err
	}
	if len(places) == 0 {
		places = []features.Setting{{Name: name}}
	}
	for i := range places {
		places[i].Enabled = on
	}
	if err := features.NewStore(s.Pool).Put(r.c.Request.Context(), places...); err != nil {
		return err
	}
	s.Features.Forget()
	settings, now, err := s.featureSettings(r)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, s.featureDocument(name, settings, now))
}

// deleteFeature forgets what was set in the places that the fields name; in all
// of them if they name none. As in GitLab it does not matter whether there was anything.
func (s *Server) deleteFeature(r *manageCall) error {
	name := r.segment(3)
	places, err := s.featurePlaces(r, name)
	if err != nil {
		return err
	}
	if err := r.err(); err != nil {
		return err
	}
	store := features.NewStore(s.Pool)
	if len(places) > 0 {
		_, err = store.Remove(r.c.Request.Context(), places...)
	} else {
		_, err = store.RemoveAll(r.c.Request.Context(), name)
	}
	if err != nil {
		return err
	}
	s.Features.Forget()
	return r.empty(http.StatusNoContent)
}

// switchPosition reads GitLab's value, which may also be a percentage there.
func (r *manageCall) switchPosition() (on bool) {
	switch v := r.required("value"); v {
	case "", "false", "0":
		return false
	case "true", "100":
		return true
	default:
		r.wrong = append(r.wrong, "value does not have a valid value (true or false)")
		return false
	}
}

// featurePlaces are those that project, group and namespace name: full paths,
// several with commas between.
func (s *Server) featurePlaces(r *manageCall, name string) ([]features.Setting, error) {
	ctx, a := r.c.Request.Context(), accounts.New(s.Pool)
	var places []features.Setting
	for _, field := range []string{"project", "group", "namespace"} {
		text := r.text(field)
		if r.given(field) && text == "" {
			// Not the whole instance, which is what no field at all would be.
			r.wrong = append(r.wrong, field+" is empty")
			continue
		}
		for path := range strings.SplitSeq(text, ",") {
			if path == "" {
				continue
			}
			place := features.Setting{Name: name}
			var err error
			if field == "project" {
				var p registry.Project
				p, err = a.FindProject(ctx, path)
				place.ProjectID = p.ID
			} else {
				var g registry.Group
				g, err = a.FindGroup(ctx, path)
				place.GroupID = g.ID
			}
			switch {
			case registry.CodeOf(err) == registry.CodeNotFound:
				r.wrong = append(r.wrong, field+" "+path+" is not found")
			case err != nil:
				return nil, err
			default:
				places = append(places, place)
			}
		}
	}
	return places, nil
}

// featureSettings reads what is set, and what holds.
func (s *Server) featureSettings(r *manageCall) ([]features.Setting, *features.Set, error) {
	settings, err := features.NewStore(s.Pool).List(r.c.Request.Context())
	if err != nil {
		return nil, nil, err
	}
	now, err := s.Features.Current(r.c.Request.Context())
	return settings, now, err
}
