package host

import (
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Settings are what a plugin may know of what is decided for its packages. How
// large a file may be is not among it: the core sees to that before it asks.
func Settings(s registry.PackageSettings) spec.PackageSettings {
	return spec.PackageSettings{
		Decided: s.Decided, RefuseDuplicates: s.RefuseDuplicates, DuplicateException: s.DuplicateException, KeepSnapshots: s.KeepSnapshots,
	}
}
