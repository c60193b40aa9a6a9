package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// BenchmarkTwoThousandVersions reads documents of a package of 2,000 versions.
// Nothing is remembered: an id with capitals is made anew each time, and search always.
func BenchmarkTwoThousandVersions(b *testing.B) {
	reg := registrytest.Start(b)
	c := inProject(reg, reg.NewProject(b, "private"), reg.Token)
	var all sync.WaitGroup
	const workers, versions = 8, 2000
	for worker := range workers {
		all.Go(func() {
			for i := worker; i < versions; i += workers {
				c.push(b, "Many", fmt.Sprintf("1.%d.0", i), `<dependencies><group targetFramework="net5.0"><dependency id="Other" version="1.0"/></group></dependencies>`)
			}
		})
	}
	all.Wait()
	for name, path := range map[string]string{
		"registration": "/metadata/Many/index.json",
		"page":         "/metadata/Many/page/1.1000.0/1.1063.0.json",
		"versions":     "/download/Many/index.json",
		"search":       "/query?q=many&prerelease=true&take=20",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if a := c.get(b, path); a.status != http.StatusOK {
					b.Fatal(a.status)
				}
			}
		})
	}
}
