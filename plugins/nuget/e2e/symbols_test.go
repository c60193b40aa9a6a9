package e2e_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

const symbolsType = `<packageTypes><packageType name="SymbolsPackage"/></packageTypes>`

// testSymbols: nuget.md, cases 85 to 97, checked when they arrive and not later.
func testSymbols(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	// Made by a C# compiler; its id and checksum are those in its assembly's debug directory.
	pdb, err := os.ReadFile("../internal/pdb/testdata/Demo.pdb")
	if err != nil {
		t.Fatal(err)
	}
	c := private(t, reg)
	content := c.push(t, "Demo", "1.0.0")
	symbols := zipped(t, "Demo.nuspec", nuspec("Demo", "1.0.0", symbolsType), "lib/netstandard2.0/Demo.pdb", string(pdb), "[Content_Types].xml", "<Types/>")
	for name, row := range map[string]struct {
		content []byte
		want    int
	}{
		"a package":      {content, 400},
		"no such one":    {zipped(t, "Demo.nuspec", nuspec("Demo", "2.0.0", symbolsType), "a.pdb", string(pdb)), 404},
		"no symbols":     {zipped(t, "Demo.nuspec", nuspec("Demo", "1.0.0", symbolsType)), 400},
		"an assembly":    {zipped(t, "Demo.nuspec", nuspec("Demo", "1.0.0", symbolsType), "a.pdb", string(pdb), "a.dll", "MZ"), 400},
		"what is no zip": {[]byte("x"), 400},
	} {
		c.pushTo(t, "/symbolpackage", row.content).wantStatus(t, name, row.want)
	}
	c.pushTo(t, "/symbolpackage/", symbols).wantStatus(t, "push", http.StatusCreated)
	c.pushTo(t, "/symbolpackage", symbols).wantStatus(t, "push again", http.StatusConflict)
	if a := c.get(t, "/download/demo/1.0.0/demo.1.0.0.snupkg"); !bytes.Equal(a.body, symbols) {
		t.Errorf("snupkg: %d", a.status)
	}
	// What the assembly names, and so the debugger asks for (see internal/pdb).
	const signature, checksum = "dc5df3ac18b3458a928727375f9c42f0ffffffff", "acf35ddcb3188a15128727375f9c42f02ebc5e06b8e4dc792cc75d317c208e52"
	path := "/symbolfiles/Demo.pdb/" + signature + "/Demo.pdb"
	deadline := time.After(30 * time.Second)
	for c.send(t, "GET", path, nil, "SymbolChecksum", "SHA256:"+checksum).status != http.StatusOK {
		select {
		case <-deadline:
			t.Fatal("the symbols are not indexed")
		case <-time.After(100 * time.Millisecond):
		}
	}
	for name, row := range map[string]struct {
		path, checksum string
		want           int
	}{
		"as debuggers ask":    {path, "SHA256:" + checksum, 200},
		"one of several":      {path, "SHA256:" + strings.Repeat("0", 64) + ";sha256:" + strings.ToUpper(checksum), 200},
		"in other cases":      {"/symbolfiles/DEMO.PDB/" + strings.ToUpper(signature) + "/demo.pdb", "SHA256:" + checksum, 200},
		"without a checksum":  {path, "", 400},
		"another checksum":    {path, "SHA256:" + strings.Repeat("0", 64), 404},
		"another signature":   {"/symbolfiles/Demo.pdb/" + strings.Repeat("0", 40) + "/Demo.pdb", "SHA256:" + checksum, 404},
		"two different names": {"/symbolfiles/Demo.pdb/" + signature + "/Other.pdb", "SHA256:" + checksum, 400},
	} {
		a := c.send(t, "GET", row.path, nil, "SymbolChecksum", row.checksum).wantStatus(t, name, row.want)
		if row.want == 200 && !bytes.Equal(a.body, pdb) {
			t.Errorf("%s: not the symbols", name)
		}
	}
	private(t, reg).send(t, "GET", path, nil, "SymbolChecksum", "SHA256:"+checksum).wantStatus(t, "of another project", 404)
	anonymous := c
	anonymous.token = ""
	anonymous.send(t, "GET", path, nil, "SymbolChecksum", "SHA256:"+checksum).wantStatus(t, "of a private project", 401)
}
