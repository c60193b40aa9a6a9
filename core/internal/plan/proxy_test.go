package plan_test

import (
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/plan"
)

// proxy stands between a pool and PostgreSQL, and cuts connections.
type proxy struct {
	listener net.Listener
	network  string
	address  string

	// decide is asked about all that the client sends, before it is passed on.
	decide atomic.Pointer[func(sent []byte) verdict]
	// refusing: new connections are closed at once.
	refusing atomic.Bool
	open     sync.WaitGroup
}

type verdict int

const (
	pass       verdict = iota
	cutBefore          // the server never sees it, and loses the connection
	cutAfter           // the server does it, the client never hears
	cutAndHold         // the client loses the connection, the server sees it when released
)

// pool connects to the environment's database through a new proxy.
func (e *env) proxied(t *testing.T) (*proxy, *plan.Executor) {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(e.db.URL)
	if err != nil {
		t.Fatal(err)
	}
	host, port := cfg.ConnConfig.Host, strconv.Itoa(int(cfg.ConnConfig.Port))
	p := &proxy{network: "tcp", address: net.JoinHostPort(host, port)}
	if strings.HasPrefix(host, "/") {
		p.network, p.address = "unix", host+"/.s.PGSQL."+port
	}
	if p.listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.open.Go(p.accept)
	at := p.listener.Addr().(*net.TCPAddr) //nolint:forcetypeassert // as asked for
	cfg.ConnConfig.Host, cfg.ConnConfig.Port = "127.0.0.1", uint16(at.Port)
	cfg.ConnConfig.Fallbacks, cfg.ConnConfig.TLSConfig = nil, nil
	cfg.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.let(pass)
		_ = p.listener.Close()
		pool.Close()
		p.open.Wait()
	})
	return p, plan.New(pool, nil, hclog.NewNullLogger())
}

// let makes one verdict for everything.
func (p *proxy) let(v verdict) {
	f := func([]byte) verdict { return v }
	p.decide.Store(&f)
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.refusing.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial(p.network, p.address) //nolint:noctx // a socket of this machine
		if err != nil {
			_ = client.Close()
			continue
		}
		p.open.Go(func() { p.up(client, server) })
		p.open.Go(func() { // ends with up's closing of both
			_, _ = io.Copy(client, server)
			_ = client.Close()
		})
	}
}

// up passes on what the client sends.
func (p *proxy) up(client, server net.Conn) {
	defer func() { _, _ = client.Close(), server.Close() }()
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		v := pass
		if decide := p.decide.Load(); decide != nil {
			v = (*decide)(buf[:n])
		}
		switch v {
		case cutBefore:
			return
		case cutAfter, cutAndHold:
			_ = client.Close()
			if v == cutAndHold {
				time.Sleep(300 * time.Millisecond) // a network that is slow to deliver
			}
			_, _ = server.Write(buf[:n])
			// The server has done it when it has answered.
			_ = server.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = io.ReadAtLeast(server, make([]byte, 1), 1)
			return
		case pass:
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// atNth returns what gives the nth thing that is sent a verdict, once.
func atNth(n int64, v verdict) (decide func([]byte) verdict, reached func() bool) {
	var count atomic.Int64
	return func([]byte) verdict {
		if count.Add(1) == n {
			return v
		}
		return pass
	}, func() bool { return count.Load() >= n }
}

// atCommit gives the COMMIT a verdict, the first times.
func atCommit(times int64, v verdict) func([]byte) verdict {
	var count atomic.Int64
	return func(sent []byte) verdict {
		if strings.Contains(string(sent), "commit\x00") && count.Add(1) <= times {
			return v
		}
		return pass
	}
}
