package plan_test

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/embedded"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
)

// BenchmarkPublish commits packages of one file, one row and one tag, with 1
// and 8 callers. The bytes are in memory: what is measured is the transaction.
func BenchmarkPublish(b *testing.B) {
	b.Run("unsafe", func(b *testing.B) { benchmarkPublish(b, setup(b)) })
	b.Run("durable", func(b *testing.B) { benchmarkPublish(b, durable(b)) })
}

func benchmarkPublish(b *testing.B, e *env) {
	b.Helper()
	var made atomic.Int64
	for _, callers := range []int{1, 8} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			s := e.scope(e.file(b, "u", "the same bytes for all"))
			var todo atomic.Int64
			todo.Store(int64(b.N))
			var working sync.WaitGroup
			b.ResetTimer()
			for range callers {
				working.Go(func() {
					for todo.Add(-1) >= 0 {
						i := made.Add(1)
						r, err := e.exec.Commit(b.Context(), s, operations(publishing("package-"+strconv.FormatInt(i%1000, 10), strconv.FormatInt(i, 10))...))
						if err != nil || r.State != plan.Committed {
							b.Errorf("result is %+v, %v", r, err)
							return
						}
					}
				})
			}
			working.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "publishes/s")
		})
	}
}

// durable is an environment on a server of its own that syncs what it commits.
func durable(b *testing.B) *env {
	b.Helper()
	dir, err := os.MkdirTemp("", "pakhus-bench-") //nolint:usetesting // TempDir's folders are closed to the server's account
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	pg, err := embedded.Start(b.Context(), embedded.Config{Dir: dir, Durable: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = pg.Stop(b.Context()) })
	if err := postgres.Migrate(b.Context(), pg.URL()); err != nil {
		b.Fatal(err)
	}
	pool, err := postgres.Connect(b.Context(), pg.URL(), postgres.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	db := &pgtest.Database{Pool: pool, URL: pg.URL()}
	return &env{
		db: db, exec: plan.New(pool, nil, hclog.NewNullLogger()), blobs: memory.New(),
		project: plantest.NewProject(b, db, "p"), schema: plantest.Install(b, db, "demo"),
	}
}
