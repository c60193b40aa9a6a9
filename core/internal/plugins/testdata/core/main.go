// Core starts a plugin, prints its pid and waits to be killed: os.Args are the
// binary's path and digest.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pakhus/pakhus/core/internal/plugins"
)

func main() {
	m, err := plugins.New(plugins.Config{Entries: []plugins.Entry{{Format: "demo", Path: os.Args[1], SHA256: os.Args[2]}}})
	if err == nil {
		err = m.Start(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(m.States()[0].PID)
	select {}
}
