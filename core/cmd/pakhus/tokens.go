package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
)

func (c *cli) tokenCommands() *cobra.Command {
	return parent("token", "Tokens", c.createToken(), c.listTokens(), c.rotateToken(), c.revokeToken())
}

// printSecret prints a token's secret, alone on its line: it is shown this once.
func (c *cli) printSecret(cmd *cobra.Command, t accounts.Token, secret string) error {
	return c.print(cmd, struct {
		accounts.Token
		Secret string `json:"token"`
	}{t, secret}, secret)
}

func (c *cli) listTokens() *cobra.Command {
	var (
		user, group, project, state, search string
		f                                   accounts.TokenFilter
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show tokens, without their secrets",
		Example: "  pakhus token list --user ann\n" +
			"  pakhus token list --project acme/web --kind project_access,deploy --state all --json",
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			given := strings.Trim(user+group+project, " ") != ""
			if given && !exactlyOne(user, group, project) {
				return fmt.Errorf("%w: give one of --user, --group and --project, or none for all", errUsage)
			}
			for _, kind := range f.Kinds {
				if !isKind(kind) {
					return fmt.Errorf("%w: --kind %q: choose from %s", errUsage, kind, strings.Join(kinds(), ", "))
				}
			}
			good := true
			switch state {
			case "active":
				f.Active = &good
			case "inactive":
				good = false
				f.Active = &good
			case "all":
			default:
				return fmt.Errorf("%w: --state %q: choose active, inactive or all", errUsage, state)
			}
			return nil
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
			f.Search = search
			switch {
			case user != "":
				u, err := a.FindUser(cmd.Context(), user)
				if err != nil {
					return err
				}
				f.UserID = u.ID
			case group != "" || project != "":
				var err error
				if f.GroupID, f.ProjectID, err = c.place(cmd.Context(), a, group, project); err != nil {
					return err
				}
			}
			tokens, _, err := a.Tokens(cmd.Context(), f)
			if err != nil {
				return err
			}
			return c.print(cmd, append([]accounts.Token{}, tokens...), tokensTable(tokens, time.Now()))
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&user, "user", "", "those that act as a user")
	flags.StringVar(&group, "group", "", "those that belong to a group itself")
	flags.StringVar(&project, "project", "", "those that belong to a project")
	flags.StringSliceVar(&f.Kinds, "kind", nil, strings.Join(kinds(), ", "))
	flags.StringVar(&state, "state", "active", "active, inactive (revoked or expired) or all")
	flags.StringVar(&search, "search", "", "a part of the name")
	return cmd
}

func tokensTable(tokens []accounts.Token, now time.Time) string {
	if len(tokens) == 0 {
		return "there is no such token"
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tKIND\tNAME\tUSER\tSCOPES\tEXPIRES\tSTATE")
	for _, t := range tokens {
		state, expires := "active", "never"
		switch {
		case t.Revoked:
			state = "revoked"
		case t.Expired(now):
			state = "expired"
		}
		if t.ExpiresAt != nil {
			expires = t.ExpiresAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Kind, orDash(t.Name), orDash(t.Username), strings.Join(t.Scopes, ","), expires, state)
	}
	_ = w.Flush()
	return strings.TrimRight(table.String(), "\n")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// rotatedDays is how long a token lives that is put in the place of one that had
// an end, if nothing is said: as by the API.
const rotatedDays = 7

func (c *cli) rotateToken() *cobra.Command {
	var (
		id      int64
		expires string
		until   *time.Time
	)
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Put a new token in the place of one, which ends at once",
		Long: "Put a new token in the place of one, which ends at once, and print it: of the same kind, name, scopes and owner. It is shown\n" +
			"this once: only its digest is stored.",
		Example: "  pakhus token rotate 12 --expires 2027-01-31",
		Args:    cobra.ExactArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			if id, err = tokenID(args[0]); err != nil {
				return err
			}
			until, err = parseExpiry(expires, time.Now())
			return err
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
			old, err := a.Token(cmd.Context(), accounts.TokenFilter{ID: id})
			if err != nil {
				return err
			}
			if until == nil && old.ExpiresAt != nil {
				end := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, rotatedDays)
				until = &end
			}
			secret, t, err := a.RotateToken(cmd.Context(), id, until)
			if err != nil {
				return err
			}
			return c.printSecret(cmd, t, secret)
		}),
	}
	cmd.Flags().StringVar(&expires, "expires", "", "last day of its validity, 2027-01-31 (default: a week from now; never, if the old one never expires)")
	return cmd
}

func (c *cli) revokeToken() *cobra.Command {
	var id int64
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token at once",
		Args:  cobra.ExactArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			id, err = tokenID(args[0])
			return err
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
			if err := a.RevokeToken(cmd.Context(), id); err != nil {
				return err
			}
			return c.print(cmd, map[string]any{"id": id, "revoked": true}, "revoked")
		}),
	}
}

func tokenID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: token id %q is not a number", errUsage, text)
	}
	return id, nil
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
