package e2e_test

import (
	"archive/zip"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestMemoryDoesNotGrowWithWhatIsPushed pushes a package of nearly the largest
// size, chunked as clients do, and looks at the most memory that the core has had.
func TestMemoryDoesNotGrowWithWhatIsPushed(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	c.push(t, "Warm", "1.0.0")
	before := reg.PeakMemory(t)
	pushLarge(t, c, 499<<20, http.StatusCreated)
	if grown := reg.PeakMemory(t) - before; grown >= 64<<20 {
		t.Errorf("a push of 499 MiB has cost the core %d MiB", grown>>20)
	}
	c.get(t, "/metadata/large/1.0.0.json").wantStatus(t, "what was pushed", http.StatusOK)
	pushLarge(t, c, 501<<20, http.StatusBadRequest) // 60: GitLab's status
}

// pushLarge pushes a package with one member of random bytes. Its length is not
// told beforehand, and nothing of it is kept.
func pushLarge(t *testing.T, c caller, size int64, want int) {
	t.Helper()
	read, write := io.Pipe()
	form := multipart.NewWriter(write)
	go func() {
		part, err := form.CreateFormFile("package", "package.nupkg")
		if err == nil {
			err = writeLarge(part, size)
		}
		if err == nil {
			err = form.Close()
		}
		_ = write.CloseWithError(err)
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.base+"/", read)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(registrytest.DeployUsername, c.token)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
		t.Errorf("push of %d bytes: %d %s", size, resp.StatusCode, answer)
	}
}

func writeLarge(w io.Writer, size int64) error {
	archive := zip.NewWriter(w)
	manifest, err := archive.Create("Large.nuspec")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(manifest, nuspec("Large", "1.0.0")); err != nil {
		return err
	}
	data, err := archive.CreateHeader(&zip.FileHeader{Name: "data", Method: zip.Store})
	if err != nil {
		return err
	}
	if _, err := io.CopyN(data, rand.NewChaCha8([32]byte{}), size); err != nil {
		return err
	}
	return archive.Close()
}
