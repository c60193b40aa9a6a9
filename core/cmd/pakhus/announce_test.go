package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/config"
	"github.com/pakhus/pakhus/core/internal/firstrun"
)

// npm looks credentials up by the registry's URL without its scheme.
func TestTheLinesForClientsAreThoseTheyRead(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://127.0.0.1:8080":      "  //127.0.0.1:8080/api/v4/projects/1/packages/npm/:_authToken=t\n",
		"https://packages.acme.test": "  //packages.acme.test/api/v4/projects/1/packages/npm/:_authToken=t\n",
	} {
		var out bytes.Buffer
		announce(&out, url, &firstrun.Result{ProjectID: 1, Token: "t"}, config.Default())
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s:\n%s", url, out.String())
		}
		if want := "<password>t</password>"; !strings.Contains(out.String(), want) || !strings.Contains(out.String(), url+"/api/v4/projects/1/packages/maven:") {
			t.Errorf("%s: nothing for Maven:\n%s", url, out.String())
		}
	}
}
