// Command pakhus-plugin-maven serves the maven package format to a Pakhus core.
package main

import (
	"github.com/pakhus/pakhus/plugins/maven"
	"github.com/pakhus/pakhus/sdk/serve"
)

func main() { serve.Main(maven.Plugin()) }
