// Package app puts the core together: what serve does between reading its
// configuration and answering the first request, and from the last request to
// the end of the process. Start here to see what the parts are.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/pakhus/pakhus/core/internal/config"
	"github.com/pakhus/pakhus/core/internal/firstrun"
)

// shutdown is how long requests under way may take when the core is asked to stop.
const shutdown = 30 * time.Second

// Hooks let the command line show what happens.
type Hooks struct {
	// Ready is called once, when the registry answers requests.
	Ready func(url string, first *firstrun.Result)
	// Reload delivers a value for each wish to load the configuration's plugins anew.
	Reload <-chan func() (config.Config, error)
}

// Serve runs the registry until ctx ends, and then stops it in order: no new
// requests, those under way to their end, plugins, jobs, database.
func Serve(ctx context.Context, cfg config.Config, hooks Hooks, log hclog.Logger) error {
	listener, err := listen(ctx, cfg.Listen, unheard)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	// The parts outlive ctx: what is under way when it ends still needs them.
	parts, err := assemble(context.WithoutCancel(ctx), ctx, cfg, log)
	if err != nil {
		return err
	}
	defer parts.close()

	first, err := firstrun.Run(ctx, parts.pool, cfg.DataDir, parts.url(listener))
	if err != nil {
		return fmt.Errorf("first run: %w", err)
	}
	if err := writeAddress(cfg.DataDir, listener.Addr().String()); err != nil {
		return err
	}
	defer func() { _ = os.Remove(addressFile(cfg.DataDir)) }()
	web := parts.server.HTTPServer()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-running.Done()
		log.Info("stopping")
		// The context that ended is the reason to stop; stopping has time of its own.
		return stop(context.WithoutCancel(ctx), web, shutdown, log)
	})
	group.Go(func() error { return parts.watch(running) })
	group.Go(func() error { return parts.reload(running, hooks.Reload) })
	if hooks.Ready != nil {
		hooks.Ready(parts.url(listener), first)
	}
	log.Info("serving", "address", listener.Addr().String())
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	log.Info("stopped")
	return nil
}

// stop lets requests under way end. Those that do not in time would meet parts
// that have ended: they are broken off, so that the client sees it, and leave
// what a crash would leave.
func stop(ctx context.Context, web *http.Server, patience time.Duration, log hclog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := web.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	log.Warn("requests under way did not end in time and are broken off", "patience", patience.String())
	return web.Close()
}

// RunningAddress returns the host:port of the server that uses a data folder.
func RunningAddress(dataDir string) (string, error) {
	address, err := os.ReadFile(addressFile(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no server runs with the data folder %s", dataDir)
	}
	if err != nil {
		return "", fmt.Errorf("read the server's address: %w", err)
	}
	return strings.TrimSpace(string(address)), nil
}

// addressFile is where commands on this machine learn how to reach the server.
func addressFile(dataDir string) string { return filepath.Join(dataDir, "run", "address") }
