package main

import (
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

func (c *cli) configCommands() *cobra.Command {
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Say what is wrong with the configuration, or print it as it takes effect",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load(nil)
			if err != nil {
				return err
			}
			if _, err := cfg.PluginEntries(); err != nil {
				return err
			}
			out := yaml.NewEncoder(cmd.OutOrStdout())
			out.SetIndent(2)
			return out.Encode(cfg.Redacted())
		},
	}
	return parent("config", "Configuration", verify)
}
