package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
)

// Load reads the configuration: defaults, the file (none if path is empty), the
// environment as given (PAKHUS_* of it), and at last what flags set, by key. It
// is validated, and paths in it are absolute.
func Load(path string, environ []string, flags map[string]any) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(structs.Provider(Default(), "koanf"), nil); err != nil {
		return Config{}, fmt.Errorf("defaults: %w", err)
	}
	known := k.Keys()
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := k.Load(env.Provider(".", env.Opt{
		Prefix:      "PAKHUS_",
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(key, value string) (string, any) {
			key = strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, "PAKHUS_")), "__", ".")
			if key == "trusted_proxies" || key == "rate_limits.allow" || listOfOIDCProvider(key) {
				return key, strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
			}
			return key, value
		},
	}), nil); err != nil {
		return Config{}, fmt.Errorf("environment: %w", err)
	}
	for key, value := range flags {
		if err := k.Set(key, value); err != nil {
			return Config{}, fmt.Errorf("flag %s: %w", key, err)
		}
	}
	if err := unknownKeys(k, known); err != nil {
		return Config{}, err
	}
	var c Config
	if err := k.Unmarshal("", &c); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	var err error
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return Config{}, fmt.Errorf("data_dir: %w", err)
	}
	return c, nil
}

// unknownKeys refuses what no field takes. Below formats, feature_flags and oidc_providers, names are the operator's.
func unknownKeys(k *koanf.Koanf, known []string) error {
	var errs []error
	for _, key := range k.Keys() {
		parts := strings.Split(key, ".")
		if parts[0] == "formats" && (len(parts) == 1 || (len(parts) == 3 && slices.Contains([]string{"enabled", "path", "sha256", "max_file_bytes"}, parts[2]))) {
			continue
		}
		if parts[0] == "feature_flags" && len(parts) <= 2 {
			continue
		}
		if parts[0] == "oidc_providers" && (len(parts) == 1 || (len(parts) == 3 && slices.Contains(oidcProviderKeys(), parts[2]))) {
			continue
		}
		// The names that tests and tools use for other things than the configuration.
		if slices.Contains(known, key) || parts[0] == "test" || strings.HasPrefix(key, "test_") || key == "bin" {
			continue
		}
		errs = append(errs, fmt.Errorf("%s: there is no such setting", key))
	}
	return errors.Join(errs...)
}
