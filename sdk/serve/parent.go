package serve

import (
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
)

// exitWithParent ends the process soon after parent, the one that started it.
// On Linux the kernel does so at once, because the core asks it to (Pdeathsig);
// this is for the other systems, and for other parents.
//
// The caller has asked for parent before anybody was told that the process
// runs: asked later, a parent that ended meanwhile would be mistaken for the
// one that adopted its children.
func exitWithParent(parent int, log hclog.Logger) {
	for range time.Tick(time.Second) {
		if os.Getppid() != parent {
			log.Warn("the core is gone; so is its plugin")
			os.Exit(1)
		}
	}
}
