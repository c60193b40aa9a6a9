package e2e_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestMemoryDoesNotGrowWithWhatIsUploaded uploads a package of 500 MiB, and looks
// at the most memory that the core has had.
func TestMemoryDoesNotGrowWithWhatIsUploaded(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	c.uploadRecipe(t, "large/1.0", revision(1), packageID(1))
	before := reg.PeakMemory(t)
	const size = 500 << 20
	head := "\x1f\x8b\x08"
	body := io.MultiReader(strings.NewReader(head), io.LimitReader(rand.NewChaCha8([32]byte{}), size))
	path := fmt.Sprintf("%s/revisions/%s/packages/%s/revisions/%s/files/conan_package.tgz", recipe("large/1.0"), revision(1), packageID(2), revision(1))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size + int64(len(head))
	req.SetBasicAuth(registrytest.DeployUsername, c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	if grown := reg.PeakMemory(t) - before; grown >= 64<<20 {
		t.Errorf("an upload of 500 MiB has cost the core %d MiB", grown>>20)
	}
}
