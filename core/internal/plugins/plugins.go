// Package plugins runs the formats: it knows their binaries by digest, starts
// each as a process of its own, keeps it running, replaces it without a failed
// request, and hands requests to it.
//
//	manager.go   which formats there are, start, stop, swap
//	format.go    one format: the running process, and what a request does when it dies
//	supervise.go when a dead process is started anew
//	instance.go  one process from start to kill
//	process.go   the operating system's side of it
//	binary.go    which bytes may run
//	stderr.go    what a plugin says
package plugins

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Entry names a format's binary. All fields are required.
type Entry struct {
	Format string
	Path   string // absolute
	SHA256 string // hex; any other binary is refused
}

// Config is what a Manager needs.
type Config struct {
	Entries []Entry
	// RunDir holds the plugins' sockets, whose paths may not be long; empty: a new temporary folder.
	RunDir string
	// Host is what plugins may read.
	Host        spec.Host
	CoreVersion string
	// Features are what this core offers beyond the contract's first minor.
	Features []string
	// Prepare runs for each manifest before its routes are served: schema
	// migrations. An error keeps the format, or the new binary, out.
	Prepare func(ctx context.Context, m *spec.Manifest) error
	// MaxConcurrent bounds the requests that one format works on; 0 is 256.
	// More wait, as long as they have time.
	MaxConcurrent int
	Log           hclog.Logger
}

// State is how a format's plugin is, for people and monitoring.
type State struct {
	Format    string    `json:"format"`
	Version   string    `json:"version"`
	SHA256    string    `json:"sha256"`
	Path      string    `json:"path"`
	PID       int       `json:"pid"`
	State     string    `json:"state"`
	Restarts  int       `json:"restarts"`
	InFlight  int       `json:"in_flight"`
	StartedAt time.Time `json:"started_at"`
	LastError string    `json:"last_error,omitempty"`
	// Isolation lists what keeps the process from the rest of the machine.
	Isolation []string `json:"isolation"`
}

// The values of State.State.
const (
	Running    = "running"
	Restarting = "restarting"
	CrashLoop  = "crash_loop" // it dies as soon as it starts; tried again each minute
	Stopped    = "stopped"
)

const (
	defaultConcurrent = 256
	defaultTimeout    = 10 * time.Second
	startTimeout      = 20 * time.Second
	drainTimeout      = 30 * time.Second
)
