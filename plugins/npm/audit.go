package npm

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
)

// This registry knows of no vulnerabilities. It says so in the words each
// client takes: GitLab's "[]" crashes pnpm 10.

// auditBulk answers npm, pnpm 11 and yarn: advisories by package name.
func auditBulk(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	var asked map[string]jsontext.Value
	if err := r.JSON(&asked); err != nil {
		return nil, err
	}
	return sdk.JSON(http.StatusOK, struct{}{}), nil
}

// auditQuick answers pnpm 10 and older npm: a whole report.
func auditQuick(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	var asked struct {
		Requires     map[string]jsontext.Value `json:"requires"`
		Dependencies map[string]jsontext.Value `json:"dependencies"`
	}
	if err := r.JSON(&asked); err != nil {
		return nil, err
	}
	n := len(asked.Dependencies)
	return sdk.JSON(http.StatusOK, map[string]any{
		"actions":    []any{},
		"advisories": struct{}{},
		"muted":      []any{},
		"metadata": map[string]any{
			"vulnerabilities": map[string]int{"info": 0, "low": 0, "moderate": 0, "high": 0, "critical": 0},
			"dependencies":    n, "devDependencies": 0, "optionalDependencies": 0, "totalDependencies": n,
		},
	}), nil
}
