package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// print answers with a sentence, or with JSON where that was asked for.
func (c *cli) print(cmd *cobra.Command, v any, sentence string) error {
	if !c.json {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), sentence)
		return err
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
}
