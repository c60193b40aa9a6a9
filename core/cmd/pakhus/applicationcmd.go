package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
)

func (c *cli) applicationCommands() *cobra.Command {
	var (
		n      accounts.NewApplication
		public bool
	)
	create := &cobra.Command{
		Use:   "create NAME",
		Short: "Create an OAuth application of the instance",
		Long: "Create an OAuth application, and print its client_id and, if it is not public, its client_secret.\n" +
			"The secret is shown this once: only its digest is stored.",
		Example: "  pakhus application create 'Pakhus CLI' --public --scopes api\n" +
			"  pakhus application create Dashboard --redirect-uri https://dashboard.example.com/callback --scopes read_api",
		Args: cobra.ExactArgs(1),
		RunE: c.withAccounts(func(cmd *cobra.Command, args []string, a *accounts.Accounts) error {
			n.Name, n.Confidential = args[0], !public
			secret, app, err := a.CreateApplication(cmd.Context(), n)
			if err != nil {
				return err
			}
			text := "client_id " + app.UID
			if secret != "" {
				text += "\nclient_secret " + secret
			}
			return c.print(cmd, struct {
				accounts.Application
				Secret string `json:"secret,omitempty"`
			}{app, secret}, text)
		}),
	}
	f := create.Flags()
	f.StringSliceVar(&n.RedirectURIs, "redirect-uri", nil, "where browsers are sent back to (none: for devices only)")
	f.StringSliceVar(&n.Scopes, "scopes", []string{"api"}, "what it may ask for: api, read_api")
	f.BoolVar(&public, "public", false, "it cannot keep a secret: a command line, a desktop program, a page")

	var id int64
	remove := &cobra.Command{
		Use:   "delete ID",
		Short: "Delete an OAuth application; its tokens end at once",
		Args:  cobra.ExactArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			if id, err = strconv.ParseInt(args[0], 10, 64); err != nil {
				return fmt.Errorf("%w: application id %q is not a number", errUsage, args[0])
			}
			return nil
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
			app, err := a.DeleteApplication(cmd.Context(), id)
			if err != nil {
				return err
			}
			return c.print(cmd, map[string]any{"id": app.ID, "application_name": app.Name}, "deleted")
		}),
	}
	return parent("application", "OAuth applications", create, remove)
}
