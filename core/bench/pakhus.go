package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// startPakhus runs the program as an operator would: with a PostgreSQL that it
// starts itself, durable, and the owner's token of its first run.
func startPakhus(ctx context.Context, dir, program string) (*target, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "pakhus")
	t, err := newTarget(ctx, "Pakhus", data, func(ctx context.Context) (*exec.Cmd, error) {
		return launched(ctx, "http://"+address+"/-/readiness", http.StatusOK,
			program, "serve", "--data", data, "--listen", address, "--log-level", "warn")
	})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(data, "first-run.json"))
	if err != nil {
		return t, err
	}
	var first struct {
		Token     string `json:"token"`
		ProjectID int64  `json:"project_id"`
	}
	if err := json.Unmarshal(text, &first); err != nil {
		return t, fmt.Errorf("first-run.json: %w", err)
	}
	t.base = fmt.Sprintf("http://%s/api/v4/projects/%d/packages/npm", address, first.ProjectID)
	t.maven = fmt.Sprintf("http://%s/api/v4/projects/%d/packages/maven", address, first.ProjectID)
	t.token = first.Token
	return t, nil
}
