package serve

import (
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
)

// exitWithParent ends the process soon after the one that started it. On Linux
// the kernel does so at once, because the core asks it to (Pdeathsig); this is
// for the other systems, and for other parents.
func exitWithParent(log hclog.Logger) {
	parent := os.Getppid()
	for range time.Tick(time.Second) {
		if os.Getppid() != parent {
			log.Warn("the core is gone; so is its plugin")
			os.Exit(1)
		}
	}
}
