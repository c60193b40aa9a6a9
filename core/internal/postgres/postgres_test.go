package postgres_test

import (
	"bytes"
	"maps"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)

	t.Run("the pool has 16 connections that say who they are", func(t *testing.T) {
		t.Parallel()
		pool, err := postgres.Connect(t.Context(), db.URL, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if got := pool.Config().MaxConns; got != 16 {
			t.Errorf("the pool has %d connections, want 16", got)
		}
		var name string
		if err := pool.QueryRow(t.Context(), "show application_name").Scan(&name); err != nil {
			t.Fatal(err)
		}
		if name != "pakhus" {
			t.Errorf("the application's name is %q, want pakhus", name)
		}
	})

	t.Run("its sessions prefer indexes, unless the URL says otherwise", func(t *testing.T) {
		t.Parallel()
		for query, want := range map[string]string{"": "1.1", "random_page_cost=3": "3"} {
			values, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			pool, err := postgres.Connect(t.Context(), with(t, db.URL, values), postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got string
			if err := pool.QueryRow(t.Context(), "show random_page_cost").Scan(&got); err != nil || got != want {
				t.Errorf("%q: %s, %v, want %s", query, got, err, want)
			}
			pool.Close()
		}
	})

	t.Run("the URL and the options go before the defaults", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			query url.Values
			max   int32
			want  int32
		}{
			{url.Values{"pool_max_conns": {"4"}}, 0, 4},
			{url.Values{"pool_max_conns": {"4"}}, 5, 5},
			{url.Values{}, 7, 7},
		} {
			pool, err := postgres.Connect(t.Context(), with(t, db.URL, c.query), postgres.Options{MaxConns: c.max})
			if err != nil {
				t.Fatal(err)
			}
			if got := pool.Config().MaxConns; got != c.want {
				t.Errorf("%v and MaxConns %d give %d connections, want %d", c.query, c.max, got, c.want)
			}
			pool.Close()
		}
	})

	t.Run("a server that promises less is named", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		weak := with(t, db.URL, url.Values{"synchronous_commit": {"off"}})
		pool, err := postgres.Connect(t.Context(), weak, postgres.Options{Log: hclog.New(&hclog.LoggerOptions{Output: &out})})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if !strings.Contains(out.String(), "setting=synchronous_commit") || !strings.Contains(out.String(), "lose the last publishes") {
			t.Errorf("the log does not name the setting and what is lost:\n%s", out.String())
		}
	})
}

func TestConnectToNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = postgres.Connect(t.Context(), "postgres://pakhus:hunter2@"+addr+"/pakhus", postgres.Options{})
	if registry.CodeOf(err) != registry.CodeUnavailable {
		t.Errorf("error is %v, want CodeUnavailable", err)
	}
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the password: %v", err)
	}
}

func TestConnectWithoutAURL(t *testing.T) {
	t.Parallel()
	_, err := postgres.Connect(t.Context(), "postgres://pakhus:hunter2@127.0.0.1:port/pakhus", postgres.Options{})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error is %v, want one without the password", err)
	}
}

func TestOldServersAreRefused(t *testing.T) {
	t.Parallel()
	for version, refused := range map[string]bool{"140021": true, "90624": true, "150000": false, "180003": false, "": false} {
		if err := postgres.RefuseOld(map[string]string{"server_version_num": version}); (err != nil) != refused {
			t.Errorf("version %q: %v", version, err)
		}
	}
}

// with adds parameters to a URL.
func with(t *testing.T, raw string, more url.Values) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	maps.Copy(q, more)
	u.RawQuery = q.Encode()
	return u.String()
}
