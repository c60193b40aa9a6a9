package server

import "github.com/go-json-experiment/json"

// shapedError is a refusal whose document is not the usual one: GitLab's API
// speaks of parameters and of tokens' scopes in shapes of their own.
type shapedError struct {
	Err      error // its code and words
	document shapedDocument
}

type shapedDocument struct {
	Error       string `json:"error,omitzero"`
	Description string `json:"error_description,omitzero"`
	Scope       string `json:"scope,omitzero"`
	// Messages is what is wrong with a thing that was to be made or changed.
	Messages  map[string][]string `json:"message,omitzero"`
	RequestID string              `json:"request_id"`
}

// Error implements error.
func (e *shapedError) Error() string { return e.Err.Error() }

// Unwrap returns the error with the code.
func (e *shapedError) Unwrap() error { return e.Err }

func (e *shapedError) body(requestID string) (contentType string, body []byte) {
	document := e.document
	document.RequestID = requestID
	body, _ = json.Marshal(document)
	return "application/json", body
}
