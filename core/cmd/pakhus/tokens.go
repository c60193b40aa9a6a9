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
		until                                         *time.Time
	)
	create := &cobra.Command{
		Use:   "create",
		Short: "Create a personal token (--user) or a deploy token (--group or --project)",
		Long:  "Create a token and print it. It is shown this once: only its digest is stored.",
		Example: "  pakhus token create --user ann --scopes api\n" +
			"  pakhus token create --project acme/web --scopes read_package_registry --expires 2027-01-31",
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) (err error) {
			if !exactlyOne(user, group, project) {
				return fmt.Errorf("%w: give one of --user (a personal token), --group and --project (a deploy token)", errUsage)
			}
			if user != "" && username != "" {
				return fmt.Errorf("%w: --username is for deploy tokens: a personal token is its user", errUsage)
			}
			until, err = parseExpiry(expires, time.Now())
			return err
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
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
				secret, t, err = a.CreatePersonalToken(cmd.Context(), u, accounts.NewPersonalToken{Name: name, Scopes: scopes, ExpiresAt: until})
				if err != nil {
					return err
				}
			} else {
				groupID, projectID, err := c.place(cmd.Context(), a, group, project)
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

	var id int64
	revoke := &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token at once",
		Args:  cobra.ExactArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			if id, err = strconv.ParseInt(args[0], 10, 64); err != nil {
				return fmt.Errorf("%w: token id %q is not a number", errUsage, args[0])
			}
			return nil
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
			if err := a.RevokeToken(cmd.Context(), id); err != nil {
				return err
			}
			return c.print(cmd, map[string]any{"id": id, "revoked": true}, "revoked")
		}),
	}
	return parent("token", "Tokens", create, revoke)
}

func exactlyOne(values ...string) bool {
	given := 0
	for _, v := range values {
		if v != "" {
			given++
		}
	}
	return given == 1
}

// parseExpiry takes a day, which is still valid (in UTC), or a point in time. It must be to come.
func parseExpiry(s string, now time.Time) (*time.Time, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // never
	}
	end, err := time.Parse(time.RFC3339, s)
	if err != nil {
		day, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return nil, fmt.Errorf("%w: --expires %q is not a day such as 2027-01-31", errUsage, s)
		}
		end = day.AddDate(0, 0, 1)
	}
	if !end.After(now) {
		return nil, fmt.Errorf("%w: --expires %q is over already", errUsage, s)
	}
	return &end, nil
}
