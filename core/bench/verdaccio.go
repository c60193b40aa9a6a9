package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const verdaccio = "Verdaccio"

// verdaccioConfig keeps tokens as signed documents: as installed, each request
// with a token costs it a bcrypt check, some hundred milliseconds.
const verdaccioConfig = `
storage: %[1]s/storage
auth: {htpasswd: {file: %[1]s/htpasswd, max_users: 10}}
security: {api: {jwt: {sign: {expiresIn: 60d}}}}
uplinks: {}
packages: {'**': {access: $authenticated, publish: $authenticated, unpublish: $authenticated}}
max_body_size: 2000mb
log: {type: stdout, format: json, level: fatal}
`

// startVerdaccio runs Verdaccio as scripts/bench-peers.sh installed it.
func startVerdaccio(ctx context.Context, dir, program string) (*target, error) {
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("run scripts/bench-peers.sh first: %w", err)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "verdaccio")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(data, "config.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, verdaccioConfig, data), 0o600); err != nil {
		return nil, err
	}
	t, err := newTarget(ctx, verdaccio, data, func(ctx context.Context) (*exec.Cmd, error) {
		return launched(ctx, "http://"+address+"/-/ping", http.StatusOK,
			".cache/clients/bin/node", program, "--config", config, "--listen", address)
	})
	if err != nil {
		return nil, err
	}
	t.base = "http://" + address
	t.token, err = signUp(ctx, t.base)
	return t, err
}

// signUp makes a user of Verdaccio and returns the token.
func signUp(ctx context.Context, base string) (string, error) {
	body := strings.NewReader(`{"name":"bench","password":"correct-horse"}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, base+"/-/user/org.couchdb.user:bench", body)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var login struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&login); err != nil {
		return "", fmt.Errorf("sign up with Verdaccio: %s: %w", resp.Status, err)
	}
	return login.Token, nil
}

// addVersions writes further versions into the document that Verdaccio reads
// for each request: publishing two thousand of them takes it minutes.
func addVersions(t *target, name string, versions []string) error {
	file := filepath.Join(t.data, "storage", name, "package.json")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	of := func(key string) map[string]any {
		m, ok := doc[key].(map[string]any)
		if !ok {
			m = map[string]any{}
			doc[key] = m
		}
		return m
	}
	model, ok := of("versions")[versions[0]].(map[string]any)
	if !ok {
		return fmt.Errorf("%s: no version %s", file, versions[0])
	}
	first := versions[0]
	for _, v := range versions[1:] {
		copied := maps.Clone(model)
		copied["version"] = v
		copied["_id"] = name + "@" + v
		of("versions")[v] = copied
		of("time")[v] = of("time")[first]
		of("_attachments")[name+"-"+v+".tgz"] = of("_attachments")[name+"-"+first+".tgz"]
	}
	of("dist-tags")["latest"] = versions[len(versions)-1]
	if text, err = json.MarshalIndent(doc, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
