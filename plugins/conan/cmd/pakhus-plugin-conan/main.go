// Command pakhus-plugin-conan serves the conan package format to a Pakhus core.
package main

import (
	"github.com/pakhus/pakhus/plugins/conan"
	"github.com/pakhus/pakhus/sdk/serve"
)

func main() { serve.Main(conan.Plugin()) }
