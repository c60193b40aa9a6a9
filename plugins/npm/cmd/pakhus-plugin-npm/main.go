// Command pakhus-plugin-npm serves the npm package format to a Pakhus core.
package main

import (
	"github.com/pakhus/pakhus/plugins/npm"
	"github.com/pakhus/pakhus/sdk/serve"
)

func main() { serve.Main(npm.Plugin()) }
