package pgtest_test

import (
	"testing"

	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/postgres/db"
)

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := pgtest.New(t), pgtest.New(t)

	if _, err := one.Pool.Exec(t.Context(), "insert into users (username) values ('mallory')"); err != nil {
		t.Fatalf("the core's migrations are there: %v", err)
	}
	var users, jobs int
	if err := other.Pool.QueryRow(t.Context(), "select count(*) from users").Scan(&users); err != nil {
		t.Fatal(err)
	}
	if users != 0 {
		t.Errorf("another test's database has %d users, want none", users)
	}
	if err := other.Pool.QueryRow(t.Context(), "select count(*) from river_job").Scan(&jobs); err != nil {
		t.Errorf("the queue's migrations are there: %v", err)
	}

	id1, err1 := db.New(one.Pool).InstanceID(t.Context())
	id2, err2 := db.New(other.Pool).InstanceID(t.Context())
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if id1 == id2 {
		t.Errorf("two databases share the instance id %s: their roles would collide", id1)
	}
}

func TestDatabaseIsDroppedWhenTheTestEnds(t *testing.T) {
	t.Parallel()
	mine := pgtest.New(t)
	count := func() (n int) {
		t.Helper()
		// Which other tests run now does not matter: the names are random.
		if err := mine.Pool.QueryRow(t.Context(), "select count(*) from pg_database where datname = $1", gone(t)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 0 {
		t.Errorf("the database of a test that has ended is still there")
	}
}

// gone runs a test to its end and returns the name of the database that it had.
func gone(t *testing.T) (name string) {
	t.Helper()
	t.Run("a test that ends", func(t *testing.T) {
		if err := pgtest.New(t).Pool.QueryRow(t.Context(), "select current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	return name
}

func BenchmarkNew(b *testing.B) {
	pgtest.New(b)
	for b.Loop() {
		pgtest.New(b)
	}
}
