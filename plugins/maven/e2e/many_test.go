package e2e_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func sha1of(data []byte) string {
	sum := sha1.Sum(data)
	return hex.EncodeToString(sum[:])
}

// TestTenThousandFiles puts them into one version, and shows that a file costs the
// same whatever is stored already: what is read for it does not grow. A reader of
// all files would make the last thousand twenty times as slow as the first; a
// machine that has other things to do does not.
func TestTenThousandFiles(t *testing.T) {
	t.Parallel()
	const files, workers, part = 10_000, 8, 1000
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	a := artifact{"com/example", "many", "1.0"}
	c.deploy(t, a)
	took := make([]time.Duration, files)
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < files; i = next.Add(1) - 1 {
				began := time.Now()
				c.put(t, a.file(fmt.Sprintf("-c%d.txt", i)), fmt.Appendf(nil, "file %d", i))
				took[i] = time.Since(began)
			}
		})
	}
	all.Wait()
	median := func(some []time.Duration) time.Duration {
		some = slices.Clone(some)
		slices.Sort(some)
		return some[len(some)/2]
	}
	first, last := median(took[:part]), median(took[files-part:])
	t.Logf("median of the first %d files %s, of the last %s", part, first, last)
	if last > 5*first {
		t.Errorf("a file took %s at first and %s in the end", first, last)
	}
	for _, i := range []int{0, files / 2, files - 1} {
		if got := c.get(t, a.file(fmt.Sprintf("-c%d.txt", i))); string(got.body) != fmt.Sprintf("file %d", i) {
			t.Errorf("file %d: %d %s", i, got.status, got.body)
		}
	}
}
