package main

import (
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/federation"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// linkUser ties somebody whom an OpenID provider knows to a user who is there.
func (c *cli) linkUser() *cobra.Command {
	var name, subject string
	cmd := &cobra.Command{
		Use:     "link USERNAME",
		Short:   "Let a user sign in with an OpenID provider of the configuration, as somebody whom it knows",
		Example: "  pakhus user link ann --config pakhus.yaml --provider corporate --subject 248289761001",
		Args:    cobra.ExactArgs(1),
		PreRunE: func(*cobra.Command, []string) error {
			if name == "" || subject == "" {
				return fmt.Errorf("%w: give --provider and --subject", errUsage)
			}
			return nil
		},
		RunE: c.withTx(func(cmd *cobra.Command, args []string, tx pgx.Tx) error {
			cfg, err := c.load(nil)
			if err != nil {
				return err
			}
			providers, err := cfg.SignInProviders()
			if err != nil {
				return err
			}
			i := slices.IndexFunc(providers, func(p federation.Provider) bool { return p.Name == name })
			if i < 0 {
				return registry.Errorf(registry.CodeNotFound, "the configuration has no oidc_providers.%s", name)
			}
			u, err := accounts.In(tx).FindUser(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if u.Bot {
				return registry.Errorf(registry.CodeInvalid, "%q is the bot of a token: nobody signs in as one", u.Username)
			}
			err = federation.Link(cmd.Context(), tx, providers[i], u.ID, subject)
			if postgres.IsUniqueViolation(err, "") {
				return registry.Errorf(registry.CodeConflict, "%q of %s is tied to a user already", subject, name)
			}
			if err != nil {
				return err
			}
			return c.print(cmd, map[string]any{"username": u.Username, "provider": name, "subject": subject}, "done")
		}),
	}
	cmd.Flags().StringVar(&name, "provider", "", "name of the provider in oidc_providers")
	cmd.Flags().StringVar(&subject, "subject", "", "what the provider calls them in the claim sub")
	return cmd
}
