// Command pakhus is the registry: its server, and the commands of its operators.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/app"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := &cli{}
	if err := c.root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pakhus:", err)
		os.Exit(exitCode(err)) //nolint:gocritic // nothing is left to clean up
	}
}

// Exit codes: 1, it failed; 2, it was asked wrongly.
func exitCode(err error) int {
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

var errUsage = errors.New("wrong usage")

// cli is what the flags that all commands share say.
type cli struct {
	configFile  string
	dataDir     string
	databaseURL string
	json        bool

	about audit.Entity // what a command changes, as far as it is a project or group
}

// root is the table of contents.
func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "pakhus",
		Short:         "A self-hosted registry for packages of every format",
		Version:       app.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: unknown command %q (see pakhus --help)", errUsage, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w (see %s --help)", errUsage, err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&c.configFile, "config", "", "configuration file (YAML)")
	flags.StringVar(&c.dataDir, "data", "", "folder of blobs and the embedded database (default \"data\")")
	flags.StringVar(&c.databaseURL, "database-url", "", "PostgreSQL to use instead of the embedded one")
	flags.BoolVar(&c.json, "json", false, "print JSON, for scripts")
	root.AddCommand(
		c.serve(),
		c.version(),
		c.migrate(),
		c.configCommands(),
		c.userCommands(),
		c.applicationCommands(),
		c.groupCommands(),
		c.projectCommands(),
		c.memberCommands(),
		c.tokenCommands(),
		c.pluginCommands(),
		c.featureCommands(),
		c.gc(),
	)
	sayUsage(root)
	return root
}

// sayUsage makes errUsage of what cobra finds wrong with the arguments of cmd
// and the commands below it.
func sayUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if err == nil || errors.Is(err, errUsage) {
				return err
			}
			return fmt.Errorf("%w: %w (see %s --help)", errUsage, err, cmd.CommandPath())
		}
	}
	for _, child := range cmd.Commands() {
		sayUsage(child)
	}
}

func (c *cli) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.print(cmd, map[string]string{"version": app.Version()}, app.Version())
		},
	}
}

// load reads the configuration with the flags that were given.
func (c *cli) load(flags map[string]any) (config.Config, error) {
	if flags == nil {
		flags = map[string]any{}
	}
	if c.dataDir != "" {
		flags["data_dir"] = c.dataDir
	}
	if c.databaseURL != "" {
		flags["database.url"] = c.databaseURL
	}
	return config.Load(c.configFile, os.Environ(), flags)
}
