// Command pakhus-plugin-nuget serves the nuget package format to a Pakhus core.
package main

import (
	"github.com/pakhus/pakhus/plugins/nuget"
	"github.com/pakhus/pakhus/sdk/serve"
)

func main() { serve.Main(nuget.Plugin()) }
