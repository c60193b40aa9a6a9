package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/oidc"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/publishers"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// publisherCommands say whose CI jobs are let into a project.
func (c *cli) publisherCommands() *cobra.Command {
	list := &cobra.Command{
		Use:   "list GROUP/PROJECT",
		Short: "Show whose CI jobs are let in",
		Args:  cobra.ExactArgs(1),
		RunE: c.withPublishers(func(cmd *cobra.Command, _ []string, p *publishers.Publishers, project registry.Project) error {
			found, _, err := p.List(cmd.Context(), project.ID, packages.Page{Number: 1, Size: 1000})
			if err != nil {
				return err
			}
			return c.printPublishers(cmd, found)
		}),
	}
	remove := &cobra.Command{
		Use:   "remove GROUP/PROJECT ID",
		Short: "Let them in no more: their job tokens end at once",
		Args:  cobra.ExactArgs(2),
		RunE: c.withPublishers(func(cmd *cobra.Command, args []string, p *publishers.Publishers, project registry.Project) error {
			id, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return fmt.Errorf("%w: %q is not a number", errUsage, args[1])
			}
			if err := p.Delete(cmd.Context(), project.ID, id); err != nil {
				return err
			}
			return c.print(cmd, map[string]any{"id": id}, fmt.Sprintf("trusted publisher %d of %s is removed", id, project.FullPath))
		}),
	}
	return parent("publisher", "Trusted publishers: CI jobs that are let in by their ID tokens", c.addPublisher(), list, remove)
}

func (c *cli) addPublisher() *cobra.Command {
	var (
		r    publishers.Publisher
		role string
	)
	cmd := &cobra.Command{
		Use:   "add GROUP/PROJECT",
		Short: "Let the jobs of an issuer in whose ID tokens say what is given",
		Long: `Let the jobs of an issuer in whose ID tokens say what is given.

"*" stands for any text. The issuer is one of trusted_publishing.issuers in the configuration, which must be given here, too.`,
		Example: `  pakhus project publisher add acme/web --name release --issuer github --subject 'repo:acme/web:ref:refs/heads/main'
  pakhus project publisher add acme/web --name tags --issuer gitlab --subject 'project_path:acme/web:*' --claim ref_type=tag --role maintainer`,
		Args: cobra.ExactArgs(1),
		PreRunE: func(*cobra.Command, []string) error {
			var ok bool
			if r.AccessLevel, ok = levels()[strings.ToLower(role)]; !ok {
				return fmt.Errorf("%w: --role %q: choose developer or maintainer", errUsage, role)
			}
			return nil
		},
		RunE: c.withPublishers(func(cmd *cobra.Command, _ []string, p *publishers.Publishers, project registry.Project) error {
			r.ProjectID = project.ID
			made, err := p.Create(cmd.Context(), r)
			if err != nil {
				return err
			}
			return c.print(cmd, publisherDocument(made), fmt.Sprintf("trusted publisher %s of %s has id %d", made.Name, project.FullPath, made.ID))
		}),
	}
	f := cmd.Flags()
	f.StringVar(&r.Name, "name", "", "what the rule is for")
	f.StringVar(&r.Issuer, "issuer", "", "name or URL of an issuer that is configured")
	f.StringVar(&r.Subject, "subject", "", "what the ID token's subject must be")
	f.StringToStringVar(&r.Claims, "claim", nil, "what another claim must be, NAME=VALUE; may be given several times")
	f.StringVar(&r.Environment, "environment", "", "the environment that the job must be for (default any)")
	f.StringVar(&role, "role", "developer", "developer or maintainer")
	return cmd
}

// withPublishers makes a command's body of a function on the rules of the project
// that its first argument names.
func (c *cli) withPublishers(fn func(*cobra.Command, []string, *publishers.Publishers, registry.Project) error) func(*cobra.Command, []string) error {
	return c.withTx(func(cmd *cobra.Command, args []string, tx pgx.Tx) error {
		cfg, err := c.load(nil)
		if err != nil {
			return err
		}
		verifier := oidc.New()
		if err := verifier.Configure(cfg.Verifier()); err != nil {
			return err
		}
		project, err := c.projectOf(cmd.Context(), tx, args[0])
		if err != nil {
			return err
		}
		return fn(cmd, args, publishers.New(tx, verifier, hclog.NewNullLogger()), project)
	})
}

func (c *cli) projectOf(ctx context.Context, tx pgx.Tx, path string) (registry.Project, error) {
	p, err := accounts.In(tx).FindProject(ctx, path)
	c.about = audit.OfProject(&p)
	return p, err
}

// publisherDocument is a rule in JSON, as the API has it.
func publisherDocument(r publishers.Publisher) map[string]any {
	return map[string]any{
		"id": r.ID, "name": r.Name, "issuer": r.Issuer, "subject": r.Subject, "claims": r.Claims, "environment": r.Environment,
		"access_level": r.AccessLevel, "user_id": r.BotID, "username": r.BotUsername,
	}
}

func (c *cli) printPublishers(cmd *cobra.Command, found []publishers.Publisher) error {
	documents := make([]map[string]any, len(found))
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tNAME\tROLE\tISSUER\tSUBJECT\tOTHER")
	for i, r := range found {
		documents[i] = publisherDocument(r)
		var other []string
		for _, name := range slices.Sorted(maps.Keys(r.Claims)) {
			other = append(other, name+"="+r.Claims[name])
		}
		if r.Environment != "" {
			other = append(other, "environment="+r.Environment)
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%s\t%s\n", r.ID, r.Name, r.AccessLevel, r.Issuer, r.Subject, strings.Join(other, " "))
	}
	_ = table.Flush()
	return c.print(cmd, documents, strings.TrimSuffix(text.String(), "\n"))
}
