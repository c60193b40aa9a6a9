package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// kinds are those of tokens, as --kind has them.
func kinds() []string {
	return []string{accounts.PersonalToken, accounts.ProjectAccessToken, accounts.GroupAccessToken, accounts.DeployToken}
}

func isKind(kind string) bool { return slices.Contains(kinds(), kind) }

// newToken is what the flags of "token create" say.
type newToken struct {
	kind                 string
	user, group, project string
	name, description    string
	username, role       string
	scopes               []string
	granular             granularFlags
	expires              string
	until                *time.Time
	level                registry.AccessLevel
}

// granularFlags are one granular scope; there is one if permissions are given.
type granularFlags struct {
	permissions, projects, groups, names []string
}

func (c *cli) createToken() *cobra.Command {
	var n newToken
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create a token of a user (--user), or of a group or project: a deploy token, or one of a bot (--role)",
		Long: `Create a token and print it. It is shown this once: only its digest is stored.

With --user it is a personal token. With --group or --project it is a deploy token or, if --role is given, an access token: of a
bot that has that role there.

With --permissions it is granular: it may do that with packages and nothing else, in the projects of --in-project and below the groups of
--in-group (without both wherever its owner has a role, or where it belongs), and with packages whose names fit --package-names.`,
		Example: "  pakhus token create --user ann --scopes api\n" +
			"  pakhus token create --project acme/web --scopes read_package_registry --expires 2027-01-31\n" +
			"  pakhus token create --project acme/web --role developer --scopes read_api --name robot\n" +
			"  pakhus token create --user ann --permissions download_package,upload_npm_package --in-group acme --package-names '@acme/*'",
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error { return n.check() },
		RunE: c.withAccounts(func(cmd *cobra.Command, _ []string, a *accounts.Accounts) error {
			secret, t, err := c.makeToken(cmd.Context(), a, n)
			if err != nil {
				return err
			}
			return c.printSecret(cmd, t, secret)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&n.kind, "kind", "", "personal, project_access, group_access or deploy, if the other flags are not to say it")
	f.StringVar(&n.user, "user", "", "user that a personal token acts as")
	f.StringVar(&n.group, "group", "", "group that a token belongs to")
	f.StringVar(&n.project, "project", "", "project that a token belongs to")
	f.StringVar(&n.role, "role", "", "role of an access token's bot: guest, planner, reporter, developer, maintainer or owner (default of an access token: maintainer)")
	f.StringVar(&n.name, "name", "", "what the token is for")
	f.StringVar(&n.description, "description", "", "more about it; not of deploy tokens")
	f.StringVar(&n.username, "username", "", "user name of a deploy token (default gitlab+deploy-token-<id>)")
	f.StringSliceVar(&n.scopes, "scopes", nil, "api, read_api; for deploy tokens read_package_registry, write_package_registry (default of a personal token: api)")
	f.StringVar(&n.expires, "expires", "", "last day of its validity, 2027-01-31 (default: never expires)")
	f.StringSliceVar(&n.granular.permissions, "permissions", nil, "of a granular token: read_, download_, upload_, delete_package, or of one format: read_npm_package")
	f.StringSliceVar(&n.granular.projects, "in-project", nil, "project that a granular token is for, by its full path; may be repeated")
	f.StringSliceVar(&n.granular.groups, "in-group", nil, "group that a granular token is for, with all below it; may be repeated")
	f.StringSliceVar(&n.granular.names, "package-names", nil, "names of packages that a granular token is for: * is any text; may be repeated")
	return cmd
}

// check finds what is wrong with the flags, and settles which kind of token they mean.
func (n *newToken) check() (err error) {
	wrong := func(sentence string, args ...any) error {
		return fmt.Errorf("%w: "+sentence, append([]any{errUsage}, args...)...)
	}
	if !exactlyOne(n.user, n.group, n.project) {
		return wrong("give one of --user (a personal token), --group and --project (a deploy or access token)")
	}
	if err := n.settleKind(); err != nil {
		return wrong("%w", err)
	}
	access := n.kind == accounts.ProjectAccessToken || n.kind == accounts.GroupAccessToken
	switch {
	case n.username != "" && n.kind != accounts.DeployToken:
		return wrong("--username is for deploy tokens: other tokens are their user")
	case n.description != "" && n.kind == accounts.DeployToken:
		return wrong("--description is not for deploy tokens")
	case access && n.name == "":
		return wrong("--name is missing: an access token's bot is called so")
	case len(n.scopes) > 0 && len(n.granular.permissions) > 0:
		return wrong("give either --scopes or --permissions")
	case len(n.granular.permissions) == 0 && len(n.granular.projects)+len(n.granular.groups)+len(n.granular.names) > 0:
		return wrong("--in-project, --in-group and --package-names go with --permissions")
	}
	if access {
		var ok bool
		if n.level, ok = levels()[strings.ToLower(cmp.Or(n.role, "maintainer"))]; !ok {
			return wrong("--role %q: choose guest, planner, reporter, developer, maintainer or owner", n.role)
		}
	}
	if n.kind == accounts.PersonalToken && len(n.scopes)+len(n.granular.permissions) == 0 {
		n.scopes = []string{string(registry.ScopeAPI)}
	}
	n.until, err = parseExpiry(n.expires, time.Now())
	return err
}

// settleKind: a user's token is personal; another one is a deploy token, unless a
// role or the kind itself says otherwise.
func (n *newToken) settleKind() error {
	access := accounts.ProjectAccessToken
	if n.group != "" {
		access = accounts.GroupAccessToken
	}
	possible := []string{accounts.PersonalToken}
	switch {
	case n.user != "":
	case n.role != "":
		possible = []string{access}
	default:
		possible = []string{accounts.DeployToken, access}
	}
	if n.kind == "" {
		n.kind = possible[0]
	}
	if !slices.Contains(possible, n.kind) {
		return fmt.Errorf("--kind %q: with these flags it is %s", n.kind, strings.Join(possible, " or "))
	}
	if n.user != "" && n.role != "" {
		return errors.New("--role is for access tokens: a personal token is its user")
	}
	return nil
}

func (c *cli) makeToken(ctx context.Context, a *accounts.Accounts, n newToken) (secret string, t accounts.Token, err error) {
	granular, err := n.granular.scopes(ctx, a)
	if err != nil {
		return "", t, err
	}
	own := accounts.NewPersonalToken{Name: n.name, Description: n.description, Scopes: n.scopes, Granular: granular, ExpiresAt: n.until}
	if n.kind == accounts.PersonalToken {
		u, err := a.FindUser(ctx, n.user)
		if err != nil {
			return "", t, err
		}
		return a.CreatePersonalToken(ctx, u, own)
	}
	groupID, projectID, err := c.place(ctx, a, n.group, n.project)
	if err != nil {
		return "", t, err
	}
	if n.kind == accounts.DeployToken {
		return a.CreateDeployToken(ctx, accounts.NewDeployToken{
			Name: n.name, Username: n.username, GroupID: groupID, ProjectID: projectID, Scopes: n.scopes, Granular: granular, ExpiresAt: n.until,
		})
	}
	return a.CreateAccessToken(ctx, accounts.NewAccessToken{NewPersonalToken: own, GroupID: groupID, ProjectID: projectID, AccessLevel: n.level})
}

// scopes makes the granular scope that the flags say, if they say one.
func (f granularFlags) scopes(ctx context.Context, a *accounts.Accounts) ([]registry.GranularScope, error) {
	if len(f.permissions) == 0 {
		return nil, nil
	}
	s := registry.GranularScope{Access: registry.AccessMemberships, Permissions: f.permissions, NamePatterns: f.names}
	for _, path := range f.projects {
		p, err := a.FindProject(ctx, path)
		if err != nil {
			return nil, err
		}
		s.ProjectIDs = append(s.ProjectIDs, p.ID)
	}
	for _, path := range f.groups {
		g, err := a.FindGroup(ctx, path)
		if err != nil {
			return nil, err
		}
		s.GroupIDs = append(s.GroupIDs, g.ID)
	}
	if len(s.ProjectIDs)+len(s.GroupIDs) > 0 {
		s.Access = registry.AccessSelected
	}
	return []registry.GranularScope{s}, nil
}
