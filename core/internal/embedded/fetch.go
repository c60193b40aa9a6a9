package embedded

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// fetchable are the versions that the library fetches, by major version; 0 is for a new cluster.
func fetchable(major int) (embeddedpostgres.PostgresVersion, bool) {
	switch major {
	case 15:
		return embeddedpostgres.V15, true
	case 16:
		return embeddedpostgres.V16, true
	case 17:
		return embeddedpostgres.V17, true
	case 0, 18:
		return embeddedpostgres.V18, true
	}
	return "", false
}

// fetch downloads PostgreSQL once into the cache and returns the directory of its binaries.
func fetch(ctx context.Context, cfg Config, major int, who account) (string, error) {
	version, ok := fetchable(major)
	if !ok {
		return "", fmt.Errorf("the cluster was made by PostgreSQL %d, which is not on this machine: install it", major)
	}
	cache, err := cacheDir(cfg)
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, fmt.Sprintf("postgresql-%s-%s-%s", version, runtime.GOOS, runtime.GOARCH))
	bin := filepath.Join(home, "bin")
	if usable(ctx, bin, major, who) == nil {
		return bin, nil
	}
	cfg.Log.Info("no PostgreSQL on this machine, fetching one", "version", version, "dir", home)
	done := make(chan error, 1)
	go func() { done <- download(cache, home, version) }()
	select {
	case err = <-done:
	case <-ctx.Done(): // the library takes no context: it finishes for the next start
		err = ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("fetch PostgreSQL %s (or install one, or set a database URL): %w", version, err)
	}
	if err := usable(ctx, bin, major, who); err != nil {
		return "", fmt.Errorf("fetched PostgreSQL: %w", err)
	}
	return bin, nil
}

// download makes home whole or not at all; several processes may do it at once.
func download(cache, home string, version embeddedpostgres.PostgresVersion) error {
	tmp, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	port, err := freePort()
	if err != nil {
		return err
	}
	fetched := filepath.Join(tmp, "fetched")
	db := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).
		Port(uint32(port)). //nolint:gosec // a port is below 65536
		CachePath(filepath.Join(tmp, "archive")).
		BinariesPath(fetched).
		RuntimePath(filepath.Join(tmp, "run")).
		DataPath(filepath.Join(tmp, "data")).
		Logger(io.Discard))
	// The library has no call that only fetches. The server that it starts afterwards is
	// stopped at once, and for root it does not even start: only the binaries count.
	startErr := db.Start()
	if startErr == nil {
		startErr = db.Stop()
	}
	if _, err := os.Stat(filepath.Join(fetched, "bin", "postgres")); err != nil {
		if startErr != nil {
			return startErr
		}
		return fmt.Errorf("look at what was fetched: %w", err)
	}
	if err := os.Chmod(fetched, 0o755); err != nil { //nolint:gosec // binaries, which the server's account runs
		return fmt.Errorf("open the fetched folder: %w", err)
	}
	if err := os.Rename(fetched, home); err != nil {
		if _, there := os.Stat(filepath.Join(home, "bin", "postgres")); there == nil {
			return nil // another process was faster
		}
		return fmt.Errorf("keep what was fetched: %w", err)
	}
	return nil
}

// cacheDir makes the folder of fetched binaries. Root's own cache is closed to the account
// that PostgreSQL runs as, so root uses the system's.
func cacheDir(cfg Config) (string, error) {
	dir := cfg.CacheDir
	switch {
	case dir != "":
	case os.Geteuid() == 0:
		dir = "/var/cache/pakhus"
	default:
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache folder: %w", err)
		}
		dir = filepath.Join(user, "pakhus")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // see above: others run what is in it
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	return filepath.Abs(dir)
}

// freePort asks the kernel for a port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: %s is no TCP address", l.Addr())
	}
	return addr.Port, nil
}
