package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// An upload may last for hours. Whoever lost the right to it meanwhile has no
// package published.
func TestARevocationEndsAnUploadUnderWay(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	p := r.NewProject(t, "private")
	var token struct {
		ID    int64
		Token string
	}
	if err := json.Unmarshal(r.CLI(t, "token", "create", "--user", r.Username, "--scopes", "api"), &token); err != nil {
		t.Fatal(err)
	}
	mount := fmt.Sprintf("%s/api/v4/projects/%d/packages/npm/", r.URL, p.ID)
	body, rest := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, mount+"slow", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	req.Header.Set("Content-Type", "application/json")
	status := make(chan int, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	if _, err := io.WriteString(rest, `{"name":"slow",`); err != nil {
		t.Fatal(err)
	}
	r.CLI(t, "token", "revoke", strconv.FormatInt(token.ID, 10))
	revoked := time.Now()
	for ask(t, "GET", mount+"-/whoami", token.Token).status != http.StatusUnauthorized {
		if time.Since(revoked) > 10*time.Second {
			t.Fatal("the token is still good")
		}
	}
	if _, err := io.WriteString(rest, `"_id":"slow"}`); err != nil {
		t.Fatal(err)
	}
	_ = rest.Close()
	if got := <-status; got != http.StatusUnauthorized {
		t.Errorf("the upload was answered with %d", got)
	}
}
