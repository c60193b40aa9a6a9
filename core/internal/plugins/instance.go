package plugins

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pakhus/pakhus/sdk/host"
)

// instance is one running process of a format. It is made once and dies once;
// a restart is another instance.
type instance struct {
	release *release
	client  *host.Client
	process *process
	started time.Time
	log     hclog.Logger
	exit    time.Duration // for a process that was asked to end

	plugin *goplugin.Client
	host   *grpc.Server // what the plugin may read
	dir    string       // its sockets, and its temporary files

	useful atomic.Bool // it has answered a call

	mu      sync.Mutex
	count   int
	idle    chan struct{} // closed when count is 0 after retire; nil before
	retired chan struct{} // closed by retire
	ended   sync.Once
}

// enter counts a session or a call in; false if the instance takes no more.
func (i *instance) enter() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.idle != nil {
		return false
	}
	i.count++
	return true
}

func (i *instance) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.count--; i.count == 0 && i.idle != nil {
		close(i.idle)
	}
}

// working is how many sessions and calls are in.
func (i *instance) working() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count
}

// alive is false as soon as the process has ended.
func (i *instance) alive() bool {
	select {
	case <-i.process.gone:
		return false
	default:
		return true
	}
}

// retire lets nothing more in, and makes the process's end no crash.
func (i *instance) retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.idle != nil {
		return
	}
	i.idle = make(chan struct{})
	close(i.retired)
	if i.count == 0 {
		close(i.idle)
	}
}

// drain waits until a retired process has nothing under way, tells it so, and
// ends it; when ctx ends it does not wait any longer.
func (i *instance) drain(ctx context.Context) {
	select {
	case <-i.idle:
		if _, err := i.client.Drain(ctx, i.exit); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
			i.log.Debug("plugin did not drain", "error", err)
		}
	case <-i.process.gone:
	case <-ctx.Done():
		i.log.Warn("plugin is ended with calls under way", "in_flight", i.working())
	}
	i.finish(func() {
		// go-plugin asks the process to end and waits; a process that does not
		// listen would keep it waiting for ever.
		impatience := time.AfterFunc(i.exit, i.process.end)
		defer impatience.Stop()
		i.plugin.Kill()
	})
}

// kill ends the process at once, with everything that belonged to it. It may be
// called at any stage of its life, and again.
func (i *instance) kill() {
	i.finish(func() {
		if i.process == nil {
			return
		}
		i.process.end() // before go-plugin, which would ask first
		i.plugin.Kill()
	})
}

// finish ends an instance, in the way given, and removes what is left of it.
func (i *instance) finish(end func()) {
	i.ended.Do(func() {
		end()
		if i.process != nil {
			i.process.end()
			i.process.wait()
		}
		if i.host != nil {
			i.host.Stop()
		}
		_ = os.RemoveAll(i.dir)
	})
}

// lastWords are for the error about a process that did not come up.
func (i *instance) lastWords() string {
	if i.process.pid == 0 {
		return ""
	}
	i.process.end()
	i.process.wait()
	return ": " + i.process.obituary().Error()
}
