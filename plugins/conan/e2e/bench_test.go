package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// BenchmarkLatest asks for the latest revision of a recipe that has one, and of
// one that has a thousand: as the core remembers it, and right after a change, when
// it is made anew.
func BenchmarkLatest(b *testing.B) {
	reg := registrytest.Start(b)
	c := inProject(reg, reg.NewProject(b, "private"), reg.Token)
	for _, count := range []int{1, 1000} {
		ref := fmt.Sprintf("bench%d/1.0", count)
		manyRevisions(b, c, ref, count)
		path := recipe(ref) + "/latest"
		b.Run(fmt.Sprintf("%d revisions, remembered", count), func(b *testing.B) {
			for b.Loop() {
				if a := c.get(b, path); a.status != http.StatusOK {
					b.Fatal(a.status)
				}
			}
		})
		b.Run(fmt.Sprintf("%d revisions, after a change", count), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				c.put(b, recipe(ref)+"/revisions/"+revision(count-1)+"/files/metadata/tick", fmt.Sprint(b.Elapsed()))
				b.StartTimer()
				if a := c.get(b, path); a.status != http.StatusOK {
					b.Fatal(a.status)
				}
			}
		})
	}
}
