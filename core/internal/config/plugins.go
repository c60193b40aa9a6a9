package config

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/core/internal/plugins"
)

// sumsFile lists the digests of the plugins it lies beside, as sha256sum writes them.
const sumsFile = "SHA256SUMS"

// PluginEntries returns the binary and digest of every enabled format, in the
// formats' order. A digest that is neither configured nor in SHA256SUMS is an
// error: what is not pinned is not run.
func (c Config) PluginEntries() ([]plugins.Entry, error) {
	var (
		entries []plugins.Entry
		errs    []error
	)
	for name, f := range c.Formats {
		if !f.Enabled {
			continue
		}
		e, err := f.entry(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("formats.%s: %w", name, err))
			continue
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b plugins.Entry) int { return strings.Compare(a.Format, b.Format) })
	return entries, errors.Join(errs...)
}

func (f Format) entry(name string) (plugins.Entry, error) {
	e := plugins.Entry{Format: name, Path: f.Path, SHA256: f.SHA256}
	if e.Path == "" {
		self, err := os.Executable()
		if err != nil {
			return e, fmt.Errorf("find the folder of pakhus: %w", err)
		}
		e.Path = filepath.Join(filepath.Dir(self), "pakhus-plugin-"+name)
	}
	if e.SHA256 != "" {
		return e, nil
	}
	sums := filepath.Join(filepath.Dir(e.Path), sumsFile)
	sum, err := lookUpSum(sums, filepath.Base(e.Path))
	if err != nil {
		return e, err
	}
	if sum == "" {
		return e, fmt.Errorf("no digest of %s is known: set formats.%s.sha256, or add the plugin to %s with sha256sum", e.Path, name, sums)
	}
	e.SHA256 = sum
	return e, nil
}

func lookUpSum(sums, base string) (string, error) {
	file, err := os.Open(sums)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read digests: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), " ")
		if ok && strings.TrimLeft(name, " *") == base {
			return sum, nil
		}
	}
	return "", lines.Err()
}
