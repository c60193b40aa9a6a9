package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/app"
	"github.com/pakhus/pakhus/core/internal/plugins"
)

func (c *cli) pluginCommands() *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "Show how the running server's plugins are",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load(nil)
			if err != nil {
				return err
			}
			address, err := app.RunningAddress(cfg.DataDir)
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, "http://"+address+"/-/plugins", nil)
			if err != nil {
				return err
			}
			resp, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
			if err != nil {
				return fmt.Errorf("ask the server: %w", err)
			}
			defer func() { _ = resp.Body.Close() }()
			var answer struct {
				Plugins []plugins.State `json:"plugins"`
			}
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("the server answers %s", resp.Status)
			}
			if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
				return fmt.Errorf("read the server's answer: %w", err)
			}
			return c.printPlugins(cmd, answer.Plugins)
		},
	}
	return parent("plugin", "Plugins", list)
}

func (c *cli) printPlugins(cmd *cobra.Command, states []plugins.State) error {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FORMAT\tVERSION\tSTATE\tPID\tRESTARTS\tUP\tSHA256")
	for _, s := range states {
		up := "-"
		if !s.StartedAt.IsZero() {
			up = time.Since(s.StartedAt).Round(time.Second).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%.12s\n", s.Format, s.Version, s.State, s.PID, s.Restarts, up, s.SHA256)
	}
	_ = w.Flush()
	return c.print(cmd, states, strings.TrimRight(table.String(), "\n"))
}
