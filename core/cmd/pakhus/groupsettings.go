package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
)

// groupSettings shows what holds for a format's packages in a group, and
// changes what is given.
func (c *cli) groupSettings() *cobra.Command {
	var format, duplicates, exception string
	var keep int
	var change accounts.SettingsChange
	cmd := &cobra.Command{
		Use:   "settings GROUP",
		Short: "Show or change what holds for a format's packages in a group and all below it",
		Long: `Show or change what holds for a format's packages in a group and all below it.

Of several groups above a project the nearest one that decides anything decides everything.
A group's first decision takes over what held for it so far.`,
		Example: `  pakhus group settings acme --format maven
  pakhus group settings acme --format maven --duplicates refused --duplicate-exception '.*-SNAPSHOT'
  pakhus group settings acme/apps --format maven --keep-snapshots 5`,
		Args: cobra.ExactArgs(1),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if format == "" {
				return fmt.Errorf("%w: --format is missing", errUsage)
			}
			if cmd.Flags().Changed("duplicates") {
				allowed := duplicates == "allowed"
				if !allowed && duplicates != "refused" {
					return fmt.Errorf("%w: --duplicates %q: choose allowed or refused", errUsage, duplicates)
				}
				change.DuplicatesAllowed = &allowed
			}
			if cmd.Flags().Changed("duplicate-exception") {
				change.DuplicateException = &exception
			}
			if cmd.Flags().Changed("keep-snapshots") {
				change.KeepSnapshots = &keep
			}
			return nil
		},
		RunE: c.withAccounts(func(cmd *cobra.Command, args []string, a *accounts.Accounts) (err error) {
			var s accounts.PackageSettings
			if change == (accounts.SettingsChange{}) {
				s, err = a.PackageSettings(cmd.Context(), args[0], format)
			} else {
				s, err = a.ChangePackageSettings(cmd.Context(), args[0], format, change)
			}
			if err != nil {
				return err
			}
			c.about = audit.OfGroup(&s.Group)
			return c.print(cmd, settingsDocument(format, s), settingsSentence(format, s))
		}),
	}
	cmd.Flags().StringVar(&format, "format", "", "format whose packages are meant, such as maven")
	cmd.Flags().StringVar(&duplicates, "duplicates", "allowed", "allowed or refused: a file that is stored already")
	cmd.Flags().StringVar(&exception, "duplicate-exception", "", "RE2 for a whole package name or version: what fits is treated the other way; empty for none")
	cmd.Flags().IntVar(&keep, "keep-snapshots", 0, "builds of a snapshot that are kept; 0 for all")
	return cmd
}

// settingsDocument has GitLab's names where GitLab has one.
func settingsDocument(format string, s accounts.PackageSettings) map[string]any {
	return map[string]any{
		"full_path":                           s.Group.FullPath,
		"decided_by":                          s.DecidedBy,
		format + "_duplicates_allowed":        !s.RefuseDuplicates,
		format + "_duplicate_exception_regex": s.DuplicateException,
		format + "_keep_snapshots":            s.KeepSnapshots,
	}
}

func settingsSentence(format string, s accounts.PackageSettings) string {
	duplicates, keep, by := "allowed", "all snapshots are kept", "nobody has decided anything"
	if s.RefuseDuplicates {
		duplicates = "refused"
	}
	if s.DuplicateException != "" {
		duplicates += fmt.Sprintf(" except for %q", s.DuplicateException)
	}
	if s.KeepSnapshots > 0 {
		keep = fmt.Sprintf("%d builds of a snapshot are kept", s.KeepSnapshots)
	}
	if s.DecidedBy != "" {
		by = "decided by " + s.DecidedBy
	}
	return fmt.Sprintf("%s packages in %s: duplicates are %s; %s (%s)", format, s.Group.FullPath, duplicates, keep, by)
}
