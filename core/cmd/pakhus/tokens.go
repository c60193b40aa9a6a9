package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
)

func (c *cli) tokenCommands() *cobra.Command {
	var (
		user, group, project, name, username, expires string
		scopes                                        []string
	)
	create := &cobra.Command{
		Use:   "create",
		Short: "Create a personal token (--user) or a deploy token (--group or --project)",
		Long:  "Create a token and print it. It is shown this once: only its digest is stored.",
		Example: "  pakhus token create --user ann --scopes api\n" +
			"  pakhus token create --project acme/web --scopes read_package_registry --expires 2027-01-31",
		Args: cobra.NoArgs,
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
			until, err := parseExpiry(expires)
			if err != nil {
				return err
			}
			var (
				secret string
				t      accounts.Token
			)
			if user != "" {
				u, err := a.FindUser(cmd.Context(), user)
				if err != nil {
					return err
				}
				if len(scopes) == 0 {
					scopes = []string{"api"}
				}
				secret, t, err = a.CreatePersonalToken(cmd.Context(), u, name, scopes, until)
				if err != nil {
					return err
				}
			} else {
				groupID, projectID, err := place(cmd.Context(), a, group, project)
				if err != nil {
					return err
				}
				secret, t, err = a.CreateDeployToken(cmd.Context(), accounts.NewDeployToken{
					Name: name, Username: username, GroupID: groupID, ProjectID: projectID, Scopes: scopes, ExpiresAt: until,
				})
				if err != nil {
					return err
				}
			}
			return c.print(cmd, struct {
				accounts.Token
				Secret string `json:"token"`
			}{t, secret}, secret)
		}),
	}
	f := create.Flags()
	f.StringVar(&user, "user", "", "user that a personal token acts as")
	f.StringVar(&group, "group", "", "group of a deploy token")
	f.StringVar(&project, "project", "", "project of a deploy token")
	f.StringVar(&name, "name", "", "what the token is for")
	f.StringVar(&username, "username", "", "user name of a deploy token (default gitlab+deploy-token-<id>)")
	f.StringSliceVar(&scopes, "scopes", nil, "api, read_api; for deploy tokens read_package_registry, write_package_registry")
	f.StringVar(&expires, "expires", "", "last day of its validity, 2027-01-31 (default: never expires)")

	revoke := &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token at once",
		Args:  cobra.ExactArgs(1),
		RunE: c.withAccounts(func(cmd *cobra.Command, args []string, a *accounts.Accounts) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("%w: token id %q is not a number", errUsage, args[0])
			}
			if err := a.RevokeToken(cmd.Context(), id); err != nil {
				return err
			}
			return c.print(cmd, map[string]any{"id": id, "revoked": true}, "revoked")
		}),
	}
	return parent("token", "Tokens", create, revoke)
}

// parseExpiry takes a day, which is still valid, or a point in time.
func parseExpiry(s string) (*time.Time, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // never
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return &t, nil
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil, fmt.Errorf("%w: --expires %q is not a day such as 2027-01-31", errUsage, s)
	}
	end := day.AddDate(0, 0, 1)
	return &end, nil
}
