// Package archive judges a package by the names of what is in its zip.
//
// The names are as they stand in the archive, of files and directories. A
// backslash parts a path as a slash does: some tools write it.
package archive

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// MaxPDBs bounds the PDBs in a symbol package, GitLab's number.
const MaxPDBs = 100

// FindNuspec returns the name of the manifest. The error is a sentence.
//
// It is the only .nuspec at the root, where the client looks for it. Where there
// is none, GitLab takes one wherever it stands; so does this, if it is the only
// one: of two, different readers would take different ones.
func FindNuspec(names []string) (string, error) {
	var root, deep []string
	for _, name := range names {
		switch {
		case extension(name) != ".nuspec":
		case strings.ContainsAny(name, `/\`):
			deep = append(deep, name)
		default:
			root = append(root, name)
		}
	}
	found := root
	if len(root) == 0 {
		found = deep
	}
	switch {
	case len(found) == 0:
		return "", errors.New("the package has no .nuspec file in it")
	case len(found) == 1:
		return found[0], nil
	case len(root) > 0:
		return "", errors.New("the package has more than one .nuspec file at its root")
	default:
		return "", errors.New("the package has no .nuspec file at its root, and more than one elsewhere")
	}
}

// symbolExtensions are of what nuget.org takes in a symbol package.
func symbolExtensions() []string {
	return []string{".pdb", ".nuspec", ".xml", ".psmdcp", ".rels", ".p7s"}
}

// CheckSymbols refuses a symbol package with anything but symbols in it, besides
// what every package has, or with none, or with more than MaxPDBs. The error is a
// sentence.
func CheckSymbols(names []string) error {
	allowed := symbolExtensions()
	pdbs := 0
	for _, name := range names {
		if isDirectory(name) {
			continue
		}
		if !slices.Contains(allowed, extension(name)) {
			return fmt.Errorf("the symbol package has the file %.200q in it: only %s can be", name, strings.Join(allowed, ", "))
		}
		if IsPDB(name) {
			pdbs++
		}
	}
	if pdbs == 0 {
		return errors.New("the symbol package has no .pdb file in it")
	}
	if pdbs > MaxPDBs {
		return fmt.Errorf("the symbol package has more than %d .pdb files in it", MaxPDBs)
	}
	return nil
}

// IsPDB reports whether a file is a PDB by its name.
func IsPDB(name string) bool { return extension(name) == ".pdb" }

func isDirectory(name string) bool { return strings.HasSuffix(slashed(name), "/") }

func extension(name string) string { return strings.ToLower(path.Ext(slashed(name))) }

func slashed(name string) string { return strings.ReplaceAll(name, `\`, "/") }
