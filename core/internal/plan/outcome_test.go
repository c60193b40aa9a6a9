package plan_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/registry"
)

const published = `select concat_ws(' ', (select count(*) from packages), (select count(*) from package_files), (select count(*) from fmt_demo.manifests), (select count(*) from package_tags), (select count(*) from intents where not void))`

// TestEveryPlaceAConnectionCanBreak cuts the connection at each thing that a
// publish sends, before the server sees it and after. The publish is then done
// again or found done: always once.
func TestEveryPlaceAConnectionCanBreak(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]verdict{"before": cutBefore, "after": cutAfter} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setup(t)
			cuts := 0
			for n := int64(1); ; n++ {
				p, exec := e.proxied(t) // a new pool: connecting is cut too
				decide, reached := atNth(n, v)
				p.decide.Store(&decide)
				version := strconv.FormatInt(n, 10)
				r, err := exec.Commit(t.Context(), e.scope(e.file(t, "u", version)), operations(publishing("a", version)...))
				if !reached() {
					break
				}
				cuts++
				stored := e.ask(t, "select concat_ws(' ', count(*), count(f.id), count(m.name)) from packages p left join package_files f on f.package_id = p.id left join fmt_demo.manifests m on m.package_id = p.id where p.version = $1", version)
				switch {
				case err == nil && r.State == plan.Committed && stored == "1 1 1":
				case registry.CodeOf(err) == registry.CodeUnavailable && stored == "0 0 0":
				default:
					t.Errorf("cut %d: result is %+v, %v; stored is %s", n, r, err, stored)
				}
			}
			if cuts < 6 {
				t.Errorf("the connection was cut at %d places, want at least login, begin, changes and commit", cuts)
			}
		})
	}
}

func TestACommitWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		times int64
		v     verdict
	}{
		"the server never saw it":                {1, cutBefore},
		"it never saw it, three times":           {3, cutBefore},
		"the server did it":                      {1, cutAfter},
		"the server does it while we ask":        {1, cutAndHold},
		"it is lost, and so is the answer to it": {2, cutAfter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setup(t)
			for i := range 10 {
				p, exec := e.proxied(t)
				decide := atCommit(c.times, c.v)
				p.decide.Store(&decide)
				version := strconv.Itoa(i)
				r, err := exec.Commit(t.Context(), e.scope(e.file(t, "u", version)), operations(publishing("a", version)...))
				if err != nil || r.State != plan.Committed {
					t.Fatalf("round %d: result is %+v, %v", i, r, err)
				}
				n := strconv.Itoa(i + 1)
				e.want(t, n+" "+n+" "+n+" 1 "+n, published)
			}
		})
	}
}

func TestACommitWhoseOutcomeCannotBeFoundOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v    verdict
		want string
	}{
		"it was done":     {cutAfter, "1 1 1 1 1"},
		"it was not done": {cutBefore, "0 0 0 0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setup(t)
			p, exec := e.proxied(t)
			exec.SetResolveTime(500 * time.Millisecond)
			cut := atCommit(1, c.v)
			decide := func(sent []byte) verdict {
				v := cut(sent)
				if v != pass {
					p.refusing.Store(true)
				}
				return v
			}
			p.decide.Store(&decide)
			_, err := exec.Commit(t.Context(), e.scope(e.file(t, "u", "x")), operations(publishing("a", "1")...))
			if registry.CodeOf(err) != registry.CodeUnavailable {
				t.Errorf("error is %v, want CodeUnavailable", err)
			}
			waitFor(t, e, "select count(*) = 0 from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'")
			e.want(t, c.want, published)
		})
	}
}

// TestAnAnswerThatIsLostTwice: the commit was never done, and the answer of the
// statement that makes sure of it is lost after it was carried out. Asked
// again, the intent is there, but it is the asker's.
func TestAnAnswerThatIsLostTwice(t *testing.T) {
	t.Parallel()
	e := setup(t)
	p, exec := e.proxied(t)
	commit := atCommit(1, cutBefore)
	asked, cut := false, false // what is sent comes one after the other here
	decide := func(sent []byte) verdict {
		switch {
		case asked && !cut:
			cut = true
			return cutAfter
		case strings.Contains(string(sent), "(id, void)"):
			asked = true // this prepares the statement; next comes its execution
		}
		return commit(sent)
	}
	p.decide.Store(&decide)
	r, err := exec.Commit(t.Context(), e.scope(e.file(t, "u", "x")), operations(publishing("a", "1")...))
	if err != nil || r.State != plan.Committed || !cut {
		t.Fatalf("result is %+v, %v; cut: %v", r, err, cut)
	}
	e.want(t, "1 1 1 1 1", published)
	e.want(t, "1", "select count(*) from intents where void")
}
