package server

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// login takes the credentials out of a login route's body and finds who they
// belong to. What is left of the document is what the plugin sees.
func (s *Server) login(r *call, body *upload.Body) (registry.Actor, error) {
	var fields map[string]jsontext.Value
	if err := strictjson.Unmarshal(body.Document, &fields); err != nil {
		return registry.Actor{}, registry.Errorf(registry.CodeInvalid, "the login document is not valid JSON: %v", err)
	}
	where := r.route.BodyCredentials
	username, err := textField(fields, where.UsernameField)
	if err != nil {
		return registry.Actor{}, err
	}
	secret, err := textField(fields, where.PasswordField)
	if err != nil {
		return registry.Actor{}, err
	}
	delete(fields, where.PasswordField)
	if body.Document, err = json.Marshal(fields); err != nil {
		return registry.Actor{}, err
	}
	return s.Login(r.c.Request.Context(), username, secret)
}

func textField(fields map[string]jsontext.Value, name string) (string, error) {
	var text string
	if err := json.Unmarshal(fields[name], &text); err != nil || text == "" {
		return "", registry.Errorf(registry.CodeInvalid, "%q is missing from the login document", name)
	}
	return text, nil
}
