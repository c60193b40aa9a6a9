package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// minMajor is the oldest PostgreSQL that the schema works on.
const minMajor = 15

// findBinaries returns the directory of initdb and postgres: the configured one, else what PATH
// leads to, else what the system's packages installed, newest first, else a fetched one. A cluster
// that exists needs binaries of its own major version.
func findBinaries(ctx context.Context, cfg Config, at layout, who account) (string, error) {
	major, err := clusterMajor(at)
	if err != nil {
		return "", err
	}
	if cfg.BinDir != "" {
		if err := usable(ctx, cfg.BinDir, major, who); err != nil {
			return "", fmt.Errorf("configured PostgreSQL: %w", err)
		}
		return cfg.BinDir, nil
	}
	for _, dir := range installed(ctx) {
		err := usable(ctx, dir, major, who)
		if err == nil {
			return dir, nil
		}
		cfg.Log.Debug("PostgreSQL passed over", "dir", dir, "reason", err)
	}
	return fetch(ctx, cfg, major, who)
}

// clusterMajor returns the major version that made the cluster; 0 if there is none yet.
func clusterMajor(at layout) (int, error) {
	raw, err := os.ReadFile(at.version())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the cluster's version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("%s does not hold a version number", at.version())
	}
	return major, nil
}

// installed lists where PostgreSQL may be on this machine, best first.
func installed(ctx context.Context) []string {
	var dirs []string
	for _, tool := range []string{"pg_ctl", "postgres", "initdb"} {
		if path, err := exec.LookPath(tool); err == nil {
			if path, err = filepath.EvalSymlinks(path); err == nil {
				dirs = append(dirs, filepath.Dir(path))
			}
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for major := 30; major >= minMajor; major-- {
		v := strconv.Itoa(major)
		dirs = append(dirs,
			"/usr/lib/postgresql/"+v+"/bin", // Debian, Ubuntu
			"/usr/pgsql-"+v+"/bin",          // PGDG on Red Hat
			"/usr/lib/postgresql"+v+"/bin",  // SUSE
			"/usr/libexec/postgresql"+v,     // Alpine
			"/opt/homebrew/opt/postgresql@"+v+"/bin",
		)
	}
	return dirs
}

// usable says why the binaries in dir do not serve: missing, too old, not of the cluster's
// version (0: any), or out of the account's reach.
func usable(ctx context.Context, dir string, major int, who account) error {
	for _, tool := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, tool)); err != nil {
			return fmt.Errorf("look for %s: %w", tool, err)
		}
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("resolve %s: %w", dir, err)
	}
	if at := who.blockedBy(real); at != "" {
		return fmt.Errorf("the account %s cannot reach %s: %s is closed to it", who.name, dir, at)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output() //nolint:gosec // a directory of the operator's choice
	if err != nil {
		return fmt.Errorf("ask %s for its version: %w", dir, err)
	}
	has, err := majorOf(string(out))
	switch {
	case err != nil:
		return err
	case has < minMajor:
		return fmt.Errorf("%s is PostgreSQL %d; %d or newer is needed", dir, has, minMajor)
	case major != 0 && has != major:
		return fmt.Errorf("%s is PostgreSQL %d; the cluster was made by %d", dir, has, major)
	}
	return nil
}

// majorOf reads "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", also of betas: "18beta1".
func majorOf(banner string) (int, error) {
	_, rest, _ := strings.Cut(banner, "(PostgreSQL) ")
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	major, err := strconv.Atoi(rest[:digits])
	if err != nil {
		return 0, fmt.Errorf("not a version of PostgreSQL: %q", banner)
	}
	return major, nil
}
