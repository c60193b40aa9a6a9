package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func parent(use, short string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(children...)
	return cmd
}

func (c *cli) userCommands() *cobra.Command {
	var (
		n         accounts.NewUser
		fromStdin bool
	)
	create := &cobra.Command{
		Use:     "create USERNAME",
		Short:   "Create a user",
		Example: "  pakhus user create ann --password-stdin < password.txt",
		Args:    cobra.ExactArgs(1),
		PreRunE: func(cmd *cobra.Command, _ []string) (err error) {
			if !fromStdin {
				return nil
			}
			if n.Password != "" {
				return fmt.Errorf("%w: give --password or --password-stdin, not both", errUsage)
			}
			n.Password, err = readPassword(cmd.InOrStdin())
			return err
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, args []string, a *accounts.Accounts) error {
			n.Username = args[0]
			u, err := a.CreateUser(cmd.Context(), n)
			if err != nil {
				return err
			}
			return c.print(cmd, u, fmt.Sprintf("user %s has id %d", u.Username, u.ID))
		}),
	}
	create.Flags().StringVar(&n.Name, "name", "", "full name")
	create.Flags().StringVar(&n.Password, "password", "", "password to sign in with (none: only tokens); others on this machine can see it")
	create.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from the first line of standard input")
	create.Flags().BoolVar(&n.Admin, "admin", false, "may do everything")
	block := func(use, short string, blocked bool) *cobra.Command {
		return &cobra.Command{
			Use: use + " USERNAME", Short: short, Args: cobra.ExactArgs(1),
			RunE: c.withAccounts(func(cmd *cobra.Command, args []string, a *accounts.Accounts) error {
				if err := a.BlockUser(cmd.Context(), args[0], blocked); err != nil {
					return err
				}
				return c.print(cmd, map[string]any{"username": args[0], "blocked": blocked}, "done")
			}),
		}
	}
	return parent("user", "Users",
		create,
		block("block", "Refuse all of a user's tokens and passwords", true),
		block("unblock", "Let a blocked user in again", false),
		c.linkUser())
}

// readPassword reads one line, which is more than enough for any password.
func readPassword(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("%w: there is no password on standard input", errUsage)
	}
	return line, nil
}

func (c *cli) groupCommands() *cobra.Command {
	var n accounts.NewGroup
	create := &cobra.Command{
		Use:   "create PATH",
		Short: "Create a group; PATH may name an existing parent: parent/child",
		Args:  cobra.ExactArgs(1),
		RunE: c.withAccounts(func(cmd *cobra.Command, args []string, a *accounts.Accounts) error {
			n.FullPath = args[0]
			g, err := a.CreateGroup(cmd.Context(), n)
			if err != nil {
				return err
			}
			c.about = audit.OfGroup(&g)
			return c.print(cmd, map[string]any{"id": g.ID, "full_path": g.FullPath}, fmt.Sprintf("group %s has id %d", g.FullPath, g.ID))
		}),
	}
	create.Flags().StringVar(&n.Name, "name", "", "display name")
	create.Flags().StringVar((*string)(&n.Visibility), "visibility", "private", "private, internal or public")
	return parent("group", "Groups", create, c.groupSettings())
}

func (c *cli) projectCommands() *cobra.Command {
	var n accounts.NewProject
	create := &cobra.Command{
		Use:   "create GROUP/PROJECT",
		Short: "Create a project in an existing group",
		Args:  cobra.ExactArgs(1),
		RunE: c.withAccounts(func(cmd *cobra.Command, args []string, a *accounts.Accounts) error {
			n.FullPath = args[0]
			p, err := a.CreateProject(cmd.Context(), n)
			if err != nil {
				return err
			}
			c.about = audit.OfProject(&p)
			return c.print(cmd, map[string]any{"id": p.ID, "full_path": p.FullPath}, fmt.Sprintf("project %s has id %d", p.FullPath, p.ID))
		}),
	}
	create.Flags().StringVar(&n.Name, "name", "", "display name")
	create.Flags().StringVar((*string)(&n.Visibility), "visibility", "private", "private, internal or public")
	create.Flags().StringVar((*string)(&n.PackageAccess), "package-access", "enabled", "disabled, private, enabled or public (anyone may pull)")
	return parent("project", "Projects", create)
}

func (c *cli) memberCommands() *cobra.Command {
	var (
		user, group, project, role string
		level                      registry.AccessLevel
	)
	add := &cobra.Command{
		Use:   "add",
		Short: "Give a user a role on a group (and all below it) or on a project",
		Args:  cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			var ok bool
			if level, ok = levels()[strings.ToLower(role)]; !ok {
				return fmt.Errorf("%w: --role %q: choose guest, planner, reporter, developer, maintainer or owner", errUsage, role)
			}
			if user == "" {
				return fmt.Errorf("%w: --user is missing", errUsage)
			}
			if !exactlyOne(group, project) {
				return fmt.Errorf("%w: give either --group or --project", errUsage)
			}
			return nil
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
			u, err := a.FindUser(cmd.Context(), user)
			if err != nil {
				return err
			}
			groupID, projectID, err := c.place(cmd.Context(), a, group, project)
			if err != nil {
				return err
			}
			if err := a.AddMember(cmd.Context(), u.ID, groupID, projectID, level); err != nil {
				return err
			}
			return c.print(cmd, map[string]any{"username": u.Username, "access_level": level}, "done")
		}),
	}
	add.Flags().StringVar(&user, "user", "", "user name")
	add.Flags().StringVar(&group, "group", "", "full path of the group")
	add.Flags().StringVar(&project, "project", "", "full path of the project")
	add.Flags().StringVar(&role, "role", "developer", "guest, planner, reporter, developer, maintainer or owner")
	return parent("member", "Members", add)
}

func levels() map[string]registry.AccessLevel {
	return map[string]registry.AccessLevel{
		"guest": registry.Guest, "planner": registry.Planner, "reporter": registry.Reporter,
		"developer": registry.Developer, "maintainer": registry.Maintainer, "owner": registry.Owner,
	}
}

// place finds the one group or project that a command is about, and says so to the audit.
func (c *cli) place(ctx context.Context, a *accounts.Accounts, group, project string) (groupID, projectID int64, err error) {
	if group != "" {
		g, err := a.FindGroup(ctx, group)
		c.about = audit.OfGroup(&g)
		return g.ID, 0, err
	}
	p, err := a.FindProject(ctx, project)
	c.about = audit.OfProject(&p)
	return 0, p.ID, err
}
