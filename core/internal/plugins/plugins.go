// Package plugins runs the formats: it knows their binaries by digest, starts
// each as a process of its own, keeps it running, replaces it without a failed
// request, and hands requests to it.
//
//	manager.go    which formats there are; start, stop
//	format.go     one format: what is served, and by which process
//	session.go    a request's hold on a format
//	ask.go        a call, and what happens to it when the process dies
//	supervise.go  when a process counts as dead, and when the next is started
//	swap.go       another binary in place of the one that runs
//	launch.go     one process, from the binary to the first request
//	instance.go   one process, from the first request to its end
//	process.go    the operating system's side of it; sys_*.go what differs between systems
//	stderr.go     what a plugin says
//	binary.go     which bytes may run
//
// go-plugin is used for handshake, connection and shutdown. It is kept from the
// process's stdout and stderr, see process.go.
package plugins

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Entry names a format's binary. All fields are required.
type Entry struct {
	Format string // ^[a-z][a-z0-9]{0,30}$
	Path   string // absolute
	SHA256 string // hex; any other binary is refused
}

// Config is what a Manager needs.
type Config struct {
	Entries []Entry
	// RunDir holds the plugins' sockets, whose paths may not be long. It is made
	// with mode 0700 if it is not there, and left where it is. Empty: a
	// temporary folder, removed by Stop.
	RunDir string
	// Host is what plugins may read.
	Host        spec.Host
	CoreVersion string
	// Features are what this core offers beyond the contract's first minor.
	Features []string
	// Prepare runs once for each new manifest, before its routes are served:
	// schema migrations. An error keeps the format down, to be tried again as
	// after a crash; in a swap it keeps the new binary out.
	Prepare func(ctx context.Context, m *spec.Manifest) error
	// MaxConcurrent bounds the calls that one format works on; 0 is 256. More
	// wait, as long as they have time.
	MaxConcurrent int
	Log           hclog.Logger
}

// State is how a format's plugin is, for people and monitoring.
type State struct {
	Format    string    `json:"format"`
	Version   string    `json:"version"`
	SHA256    string    `json:"sha256"`
	Path      string    `json:"path"`
	PID       int       `json:"pid"` // 0: none runs
	State     string    `json:"state"`
	Restarts  int       `json:"restarts"`
	StartedAt time.Time `json:"started_at,omitzero"`
	LastError string    `json:"last_error,omitempty"`
	InFlight  int       `json:"in_flight"` // sessions and calls of the running process
	// Isolation lists what keeps the process from the rest of the machine.
	Isolation []string `json:"isolation"`
}

// The values of State.State.
const (
	Starting   = "starting"
	Running    = "running"
	Restarting = "restarting"
	CrashLoop  = "crash_loop" // it died too often; tried again each minute, and callers are refused at once
	Stopped    = "stopped"
)

// pace holds the times by which a Manager works; tests shorten them.
type pace struct {
	start   time.Duration // handshake, manifest, configuration and health of a new process
	request time.Duration // for a call that says nothing else
	job     time.Duration // for a job whose kind and context say nothing
	drain   time.Duration // for the calls under way when a process is replaced
	stop    time.Duration // likewise when the core stops
	exit    time.Duration // for a process that was asked to end

	healthEvery   time.Duration
	healthTimeout time.Duration
	healthStrikes int

	healthy     time.Duration // a process that lived so long starts with a clean slate
	firstDelay  time.Duration // before the second restart in a row; the first is at once
	maxDelay    time.Duration
	crashLimit  int // so many crashes …
	crashWindow time.Duration
	crashRetry  time.Duration // … within the window: tried only so often
}

func defaultPace() pace {
	return pace{
		start:   20 * time.Second,
		request: 10 * time.Second,
		job:     5 * time.Minute,
		drain:   30 * time.Second,
		stop:    10 * time.Second,
		exit:    2 * time.Second,

		healthEvery:   5 * time.Second,
		healthTimeout: time.Second,
		healthStrikes: 3,

		healthy:     time.Minute,
		firstDelay:  100 * time.Millisecond,
		maxDelay:    30 * time.Second,
		crashLimit:  5,
		crashWindow: 5 * time.Minute,
		crashRetry:  time.Minute,
	}
}
