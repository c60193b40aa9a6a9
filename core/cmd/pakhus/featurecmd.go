package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/features"
)

// featureCommands switch routes of formats. They take effect on every node
// within a second.
func (c *cli) featureCommands() *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "Show the feature flags that are set",
		Args:  cobra.NoArgs,
		RunE: c.withTx(func(cmd *cobra.Command, _ []string, tx pgx.Tx) error {
			all, err := features.NewStore(tx).List(cmd.Context())
			if err != nil {
				return err
			}
			return c.printFeatures(cmd, all)
		}),
	}
	return parent("feature", "Feature flags: routes of formats that are on or off", list, c.setFeature(), c.unsetFeature())
}

// where is the place that a feature command is about, by flags.
type where struct{ group, project string }

func (w *where) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.group, "group", "", "full path of a group: in it and all below it")
	cmd.Flags().StringVar(&w.project, "project", "", "full path of a project")
}

func (w *where) check() error {
	if w.group != "" && w.project != "" {
		return fmt.Errorf("%w: give either --group or --project, or neither for the whole instance", errUsage)
	}
	return nil
}

// setting is a switch of a name in the place.
func (c *cli) setting(ctx context.Context, tx pgx.Tx, w where, name string) (features.Setting, error) {
	s, a := features.Setting{Name: name}, accounts.In(tx)
	switch {
	case w.project != "":
		p, err := a.FindProject(ctx, w.project)
		s.ProjectID, s.Path, c.about = p.ID, p.FullPath, audit.OfProject(&p)
		return s, err
	case w.group != "":
		g, err := a.FindGroup(ctx, w.group)
		s.GroupID, s.Path, c.about = g.ID, g.FullPath, audit.OfGroup(&g)
		return s, err
	}
	return s, nil
}

func (c *cli) setFeature() *cobra.Command {
	var w where
	cmd := &cobra.Command{
		Use:   "set NAME on|off",
		Short: "Switch a format (npm), one of its routes (npm/publish), or a flag that it declares",
		Example: "  pakhus feature set npm/publish off\n" +
			"  pakhus feature set npm off --group acme\n" +
			"  pakhus feature set npm/publish on --project acme/web",
		Args: cobra.ExactArgs(2),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if args[1] != "on" && args[1] != "off" {
				return fmt.Errorf("%w: %q: choose on or off", errUsage, args[1])
			}
			return w.check()
		},
		RunE: c.withTx(func(cmd *cobra.Command, args []string, tx pgx.Tx) error {
			s, err := c.setting(cmd.Context(), tx, w, args[0])
			if err != nil {
				return err
			}
			s.Enabled = args[1] == "on"
			if err := features.NewStore(tx).Put(cmd.Context(), s); err != nil {
				return err
			}
			place := s.Path
			if place == "" {
				place = "the whole instance"
			}
			return c.print(cmd, s, fmt.Sprintf("%s is %s in %s", s.Name, args[1], place))
		}),
	}
	w.flags(cmd)
	return cmd
}

func (c *cli) unsetFeature() *cobra.Command {
	var (
		w   where
		all bool
	)
	cmd := &cobra.Command{
		Use:   "unset NAME",
		Short: "Leave a switch to what decides farther away",
		Args:  cobra.ExactArgs(1),
		PreRunE: func(*cobra.Command, []string) error {
			if all && w != (where{}) {
				return fmt.Errorf("%w: --all is every place: give no --group or --project", errUsage)
			}
			return w.check()
		},
		RunE: c.withTx(func(cmd *cobra.Command, args []string, tx pgx.Tx) error {
			store := features.NewStore(tx)
			s, err := c.setting(cmd.Context(), tx, w, args[0])
			if err != nil {
				return err
			}
			var n int64
			if all {
				n, err = store.RemoveAll(cmd.Context(), s.Name)
			} else {
				n, err = store.Remove(cmd.Context(), s)
			}
			if err != nil {
				return err
			}
			return c.print(cmd, map[string]int64{"removed": n}, fmt.Sprintf("removed %d", n))
		}),
	}
	w.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "in the instance and in every group and project")
	return cmd
}

func (c *cli) printFeatures(cmd *cobra.Command, all []features.Setting) error {
	if all == nil {
		all = []features.Setting{}
	}
	if len(all) == 0 {
		return c.print(cmd, all, "nothing is set: every route is as the configuration says")
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FEATURE\tWHERE\tSTATE")
	for _, s := range all {
		place, state := s.Path, "off"
		if place == "" {
			place = "-"
		}
		if s.Enabled {
			state = "on"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, place, state)
	}
	_ = w.Flush()
	return c.print(cmd, all, strings.TrimRight(table.String(), "\n"))
}
