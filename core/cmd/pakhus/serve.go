package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/app"
	"github.com/pakhus/pakhus/core/internal/config"
	"github.com/pakhus/pakhus/core/internal/firstrun"
	"github.com/pakhus/pakhus/core/internal/postgres"
)

func (c *cli) serve() *cobra.Command {
	var listen, level string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the registry",
		Long: "Run the registry until it is told to end (SIGTERM, Ctrl-C). Without a database URL it runs\n" +
			"a PostgreSQL of its own in the data folder. SIGHUP loads changed plugins and feature flags without a failed request.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			load := func() (config.Config, error) {
				flags := map[string]any{}
				if listen != "" {
					flags["listen"] = listen
				}
				if level != "" {
					flags["log.level"] = level
				}
				return c.load(flags)
			}
			cfg, err := load()
			if err != nil {
				return err
			}
			hooks := app.Hooks{
				Ready:  func(url string, first *firstrun.Result) { announce(cmd.OutOrStdout(), url, first, cfg) },
				Reload: reloads(cmd.Context(), load),
			}
			return app.Serve(cmd.Context(), cfg, hooks, logger(cfg.Log, cmd.ErrOrStderr()))
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "host:port to listen on (default 127.0.0.1:8080)")
	cmd.Flags().StringVar(&level, "log-level", "", "trace, debug, info, warn or error (default info)")
	return cmd
}

// reloads delivers a wish for every SIGHUP.
func reloads(ctx context.Context, load func() (config.Config, error)) <-chan func() (config.Config, error) {
	wishes := make(chan func() (config.Config, error))
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			select {
			case <-ctx.Done():
				return
			case wishes <- load:
			}
		}
	}()
	return wishes
}

func logger(l config.Log, to io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name:       "pakhus",
		Level:      hclog.LevelFromString(l.Level),
		JSONFormat: l.Format == "json",
		Output:     to,
	})
}

// announce tells a person what to do next. The secrets are shown on the first
// start only; they are in the data folder's first-run.json as well.
func announce(w io.Writer, url string, first *firstrun.Result, cfg config.Config) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	say("\nPakhus answers at %s", url)
	if first == nil {
		return
	}
	base := fmt.Sprintf("%s/api/v4/projects/%d/packages/", url, first.ProjectID)
	say("\nThis is its first start. It has made, and written to %s/%s:", cfg.DataDir, firstrun.FileName)
	say("  user      %s", first.Username)
	say("  password  %s", first.Password)
	say("  token     %s", first.Token)
	say("  project   %s (id %d)", first.ProjectPath, first.ProjectID)
	if cfg.Formats["npm"].Enabled {
		say("\nFor npm, put this into .npmrc:")
		say("  registry=%snpm/", base)
		_, place, _ := strings.Cut(base, ":") // npm keys credentials by the URL without its scheme
		say("  %snpm/:_authToken=%s", place, first.Token)
	}
	if cfg.Formats["maven"].Enabled {
		say("\nFor Maven, put this into settings.xml, for a repository at %smaven:", base)
		say("  <servers><server><id>pakhus</id><username>%s</username><password>%s</password></server></servers>", first.Username, first.Token)
	}
	if cfg.Formats["nuget"].Enabled {
		say("\nFor NuGet, add the source %snuget/index.json, with %s and the token as user name and password.", base, first.Username)
	}
	if cfg.Formats["conan"].Enabled {
		say("\nFor Conan:")
		say("  conan remote add pakhus %sconan", base)
		say("  conan remote login pakhus %s -p %s", first.Username, first.Token)
	}
	say("")
}

func (c *cli) migrate() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring a database to this version's schema (serve does this by itself)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := c.database()
			if err != nil {
				return err
			}
			return postgres.Migrate(cmd.Context(), url)
		},
	}
}
