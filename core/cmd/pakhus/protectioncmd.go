package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/protection"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// protectionCommands are about a project's package protection rules. They take
// effect on every node within a second.
func (c *cli) protectionCommands() *cobra.Command {
	return parent("protection", "Protected packages: rules by which publishing or deleting takes more than the usual role",
		c.listProtection(), c.addProtection(), c.removeProtection())
}

// protectionRule is a rule for scripts, by the names of GitLab's API.
type protectionRule struct {
	ID          int64  `json:"id"`
	PackageType string `json:"package_type"`
	NamePattern string `json:"package_name_pattern"`
	ForPush     string `json:"minimum_access_level_for_push,omitempty"`
	ForDelete   string `json:"minimum_access_level_for_delete,omitempty"`
}

func ruleDocument(r registry.ProtectionRule) protectionRule {
	name := func(levels map[string]registry.AccessLevel, level registry.AccessLevel) string {
		for name, l := range levels {
			if l == level {
				return name
			}
		}
		return ""
	}
	return protectionRule{
		r.ID, r.PackageType, r.NamePattern, name(protection.PushLevels(), r.ForPush), name(protection.DeleteLevels(), r.ForDelete),
	}
}

// project finds the project that a command is about, and says so to the audit.
func (c *cli) project(ctx context.Context, tx pgx.Tx, path string) (registry.Project, error) {
	p, err := accounts.In(tx).FindProject(ctx, path)
	c.about = audit.OfProject(&p)
	return p, err
}

// mostRules is how many rules are listed; nobody has as many.
const mostRules = 10_000

func (c *cli) listProtection() *cobra.Command {
	return &cobra.Command{
		Use:   "list PROJECT",
		Short: "Show the package protection rules of a project",
		Args:  cobra.ExactArgs(1),
		RunE: c.withTx(func(cmd *cobra.Command, args []string, tx pgx.Tx) error {
			p, err := c.project(cmd.Context(), tx, args[0])
			if err != nil {
				return err
			}
			rules, _, err := protection.NewRules(tx).List(cmd.Context(), p.ID, packages.Page{Number: 1, Size: mostRules})
			if err != nil {
				return err
			}
			documents := []protectionRule{}
			for _, r := range rules {
				documents = append(documents, ruleDocument(r))
			}
			return c.print(cmd, documents, rulesTable(documents, p.FullPath))
		}),
	}
}

func rulesTable(rules []protectionRule, project string) string {
	if len(rules) == 0 {
		return "no package of " + project + " is protected"
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTYPE\tNAMES\tPUSH\tDELETE")
	for _, r := range rules {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", r.ID, r.PackageType, r.NamePattern, orDash(r.ForPush), orDash(r.ForDelete))
	}
	_ = w.Flush()
	return strings.TrimRight(table.String(), "\n")
}

func (c *cli) addProtection() *cobra.Command {
	var (
		rule         registry.ProtectionRule
		push, remove string
	)
	cmd := &cobra.Command{
		Use:   "add PROJECT",
		Short: "Have packages of some names take more than the usual role to publish or to delete",
		Example: "  pakhus project protection add acme/web --type npm --names '@acme/*' --push maintainer\n" +
			"  pakhus project protection add acme/web --type maven --names 'com/acme/*' --push owner --delete admin",
		Args: cobra.ExactArgs(1),
		PreRunE: func(*cobra.Command, []string) (err error) {
			if rule.PackageType == "" || rule.NamePattern == "" {
				return fmt.Errorf("%w: --type and --names are needed", errUsage)
			}
			if push == "" && remove == "" {
				return fmt.Errorf("%w: give --push, --delete or both", errUsage)
			}
			if rule.ForPush, err = levelFlag("push", push, protection.PushLevels()); err != nil {
				return err
			}
			rule.ForDelete, err = levelFlag("delete", remove, protection.DeleteLevels())
			return err
		},
		RunE: c.withTx(func(cmd *cobra.Command, args []string, tx pgx.Tx) error {
			p, err := c.project(cmd.Context(), tx, args[0])
			if err != nil {
				return err
			}
			rule.ProjectID = p.ID
			made, err := protection.NewRules(tx).Create(cmd.Context(), rule)
			if err != nil {
				return err
			}
			return c.print(cmd, ruleDocument(made), fmt.Sprintf("rule %d protects %s packages %s of %s", made.ID, made.PackageType, made.NamePattern, p.FullPath))
		}),
	}
	f := cmd.Flags()
	f.StringVar(&rule.PackageType, "type", "", "format of the packages: npm, maven, nuget, conan …")
	f.StringVar(&rule.NamePattern, "names", "", "names of the packages: * is any text")
	f.StringVar(&push, "push", "", "least role to publish: maintainer, owner or admin (default: the usual one)")
	f.StringVar(&remove, "delete", "", "least role to delete: owner or admin (default: the usual one)")
	return cmd
}

func levelFlag(flag, value string, levels map[string]registry.AccessLevel) (registry.AccessLevel, error) {
	if value == "" {
		return registry.NoAccess, nil
	}
	level, ok := levels[strings.ToLower(value)]
	if !ok {
		return 0, fmt.Errorf("%w: --%s %q: choose %s", errUsage, flag, value, strings.Join(slices.Sorted(maps.Keys(levels)), ", "))
	}
	return level, nil
}

func (c *cli) removeProtection() *cobra.Command {
	var id int64
	return &cobra.Command{
		Use:   "remove PROJECT ID",
		Short: "Remove a package protection rule of a project",
		Args:  cobra.ExactArgs(2),
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			if id, err = strconv.ParseInt(args[1], 10, 64); err != nil {
				return fmt.Errorf("%w: rule id %q is not a number", errUsage, args[1])
			}
			return nil
		},
		RunE: c.withTx(func(cmd *cobra.Command, args []string, tx pgx.Tx) error {
			p, err := c.project(cmd.Context(), tx, args[0])
			if err != nil {
				return err
			}
			err = protection.NewRules(tx).Delete(cmd.Context(), p.ID, id)
			if registry.CodeOf(err) == registry.CodeNotFound {
				return registry.Errorf(registry.CodeNotFound, "%s has no rule %d", p.FullPath, id)
			}
			if err != nil {
				return err
			}
			return c.print(cmd, map[string]any{"id": id, "removed": true}, "removed")
		}),
	}
}
