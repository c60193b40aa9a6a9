package npm

import (
	"errors"
	"strings"

	"github.com/pakhus/pakhus/sdk"
)

// scopeOf returns "@scope/", or nothing for a name without one.
func scopeOf(name string) string {
	if !strings.HasPrefix(name, "@") {
		return ""
	}
	return name[:strings.IndexByte(name, '/')+1]
}

func isNotFound(err error) bool { return errors.Is(err, sdk.ErrNotFound) }
