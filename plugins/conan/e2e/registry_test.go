// Package e2e_test runs the whole registry and talks to it as its users do:
// with the real clients, and with requests that no client would send.
package e2e_test

import (
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestRegistry holds all that can share one registry. What kills it has its own.
func TestRegistry(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *registrytest.Registry)
	}{
		{"session", testSession},
		{"references", testReferences},
		{"revisions", testRevisions},
		{"removals", testRemovals},
		{"first protocol", testV1},
		{"search", testSearch},
		{"access", testAccess},
		{"levels", testLevels},
		{"races", testRaces},
		{"many", testMany},
		{"settings", testSettings},
		{"granular tokens", testGranular},
		{"clients", testClients},
	} {
		t.Run(part.name, func(t *testing.T) { t.Parallel(); part.test(t, reg) })
	}
}
