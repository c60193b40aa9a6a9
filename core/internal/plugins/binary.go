package plugins

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// formatName is what a format may be called: it becomes a URL segment and a schema.
const formatName = `^[a-z][a-z0-9]{0,30}$`

// check says what is wrong with an entry before anything is started.
func (e Entry) check() error {
	if !regexp.MustCompile(formatName).MatchString(e.Format) {
		return fmt.Errorf("format %q: a format's name must match %s", e.Format, formatName)
	}
	if !filepath.IsAbs(e.Path) {
		return fmt.Errorf("format %s: path %q is not absolute", e.Format, e.Path)
	}
	if sum, err := hex.DecodeString(e.SHA256); err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("format %s: sha256 %q of %s is not a sha256 digest", e.Format, e.SHA256, e.Path)
	}
	return nil
}

// digest is SHA256 as it is compared and shown: in lower case.
func (e Entry) digest() string { return strings.ToLower(e.SHA256) }

// open opens the binary and compares its digest. The caller runs what it got
// here, through the open file: what was checked is what runs, whatever happens
// to the name meanwhile.
func (e Entry) open() (*os.File, error) {
	info, err := os.Stat(e.Path)
	if err == nil && !info.Mode().IsRegular() { // to open a pipe would be to wait for it
		err = fmt.Errorf("%s is not a file", e.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("format %s: plugin: %w", e.Format, err)
	}
	f, err := os.Open(e.Path)
	if err != nil {
		return nil, fmt.Errorf("format %s: open plugin: %w", e.Format, err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("format %s: read plugin %s: %w", e.Format, e.Path, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != e.digest() {
		_ = f.Close()
		return nil, fmt.Errorf("format %s: %s is not the plugin that the configuration names: its sha256 is %s, expected %s",
			e.Format, e.Path, got, e.digest())
	}
	return f, nil
}
