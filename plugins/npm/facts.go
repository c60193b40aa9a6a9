package npm

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// gypInstall is what clients add as the install script of a native module.
const gypInstall = "node-gyp rebuild"

// facts are what a package.json means for an install, whatever way it was
// written. Clients rewrite it when they publish (npm: @npmcli/package-json,
// lib/normalize.js): two that mean the same must have equal facts.
type facts struct {
	dependencies map[string]string // without the optional ones
	optional     map[string]string
	peer         map[string]string
	peerMeta     string // canonical JSON
	bundled      []string
	scripts      map[string]string // those that run on install
	bin          map[string]string
	leaving      map[string]bool // commands whose path, as written, is not inside the package
	os           []string
	cpu          []string
	libc         []string
	engines      string // canonical JSON

	hasInstallScript bool
}

func factsOf(p *packageJSON) *facts {
	f := &facts{
		dependencies: dependencies(p.Dependencies),
		optional:     dependencies(p.OptionalDependencies),
		peer:         texts(p.PeerDependencies),
		peerMeta:     canonical(p.PeerDependenciesMeta),
		bundled:      bundled(p),
		scripts:      installScripts(p.Scripts),
		os:           list(p.OS),
		cpu:          list(p.CPU),
		libc:         list(p.Libc),
		engines:      canonical(p.Engines),
	}
	f.bin, f.leaving = commands(p.Name, p.Bin)
	// A dependency under both keys is optional; some clients drop the one, some the other.
	maps.DeleteFunc(f.dependencies, func(name, _ string) bool { _, ok := f.optional[name]; return ok })
	return f
}

// differs returns the first field in which a document disagrees with the
// tarball's facts, or "".
func (f *facts) differs(document *facts) string {
	// npm lists what is bundled as a dependency on anything.
	for _, name := range document.bundled {
		if _, listed := f.dependencies[name]; !listed && document.dependencies[name] == "*" {
			delete(document.dependencies, name)
		}
	}
	// npm puts such a command's path right, yarn 1 leaves the command out.
	for command := range f.leaving {
		if _, listed := document.bin[command]; !listed {
			delete(f.bin, command)
		}
	}
	for _, field := range []struct {
		name string
		same bool
	}{
		{"optionalDependencies", maps.EqualFunc(f.optional, document.optional, sameSpec)},
		{"dependencies", maps.EqualFunc(f.dependencies, document.dependencies, sameSpec)},
		{"peerDependencies", maps.EqualFunc(f.peer, document.peer, sameSpec)},
		{"peerDependenciesMeta", f.peerMeta == document.peerMeta},
		{"bundleDependencies", slices.Equal(f.bundled, document.bundled)},
		{"scripts", maps.Equal(f.scripts, document.scripts)},
		{"bin", maps.Equal(f.bin, document.bin)},
		{"os", slices.Equal(f.os, document.os)},
		{"cpu", slices.Equal(f.cpu, document.cpu)},
		{"libc", slices.Equal(f.libc, document.libc)},
		{"engines", f.engines == document.engines},
	} {
		if !field.same {
			return field.name
		}
	}
	return ""
}

// takeFolderOfCommands completes the commands of a package that names a folder
// of them (directories.bin). Clients list the folder when they publish; what
// they list is taken if it can have come from there.
func (f *facts) takeFolderOfCommands(p *packageJSON, listed map[string]string) {
	folder := cleanPath(texts(p.Directories)["bin"])
	if folder == "" || len(f.bin) > 0 {
		return
	}
	for command, target := range listed {
		if strings.HasPrefix(target, folder+"/") && path.Base(target) == command {
			f.bin[command] = target
		}
	}
}

// dependencies reads an object of names and specifiers, or, as npm does, the
// list of "name@specifier" that packages had long ago.
func dependencies(v jsontext.Value) map[string]string {
	var listed []string
	switch v.Kind() {
	case '[':
		listed = list(v)
	case '"':
		listed = strings.FieldsFunc(textOf(v), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	default:
		return texts(v)
	}
	all := map[string]string{}
	for _, one := range listed {
		one = strings.TrimSpace(one)
		end := strings.IndexAny(one, "@ \t<>=")
		if end < 0 {
			end = len(one)
		}
		if name := strings.TrimSuffix(one[:end], ":"); name != "" {
			all[name] = strings.TrimSpace(strings.TrimPrefix(one[end:], "@"))
		}
	}
	return all
}

// bundled returns the bundled dependencies' names, sorted, under either of the
// key's spellings; "true" means all dependencies.
func bundled(p *packageJSON) []string {
	v := p.BundleDependencies
	if v == nil {
		v = p.BundledDependencies
	}
	var names []string
	switch v.Kind() {
	case '[':
		names = list(v)
	case 't':
		names = slices.Collect(maps.Keys(texts(p.Dependencies)))
	case '{':
		names = slices.Collect(maps.Keys(members(v)))
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	slices.Sort(names)
	return slices.Compact(names)
}

// installScripts are the scripts that run when the package is installed,
// without the folder of binaries that npm cuts off.
func installScripts(v jsontext.Value) map[string]string {
	all := texts(v)
	maps.DeleteFunc(all, func(k, s string) bool {
		return s == "" || (k != "preinstall" && k != "install" && k != "postinstall")
	})
	for name, script := range all {
		unix := strings.ReplaceAll(script, `\`, "/")
		for _, prefix := range []string{"node_modules/.bin/", "./node_modules/.bin/"} {
			if strings.HasPrefix(unix, prefix) {
				all[name] = script[len(prefix):]
			}
		}
	}
	return all
}

// commands returns the package's commands and their files: one path means the
// command of the package's own name, without its scope. Leaving are those whose
// path had to be put right to be inside the package.
func commands(name string, v jsontext.Value) (all map[string]string, leaving map[string]bool) {
	written := texts(v)
	switch v.Kind() {
	case '"':
		written = map[string]string{name: textOf(v)}
	case '[':
		written = map[string]string{}
		for _, target := range list(v) {
			written[target] = target
		}
	}
	all, leaving = map[string]string{}, map[string]bool{}
	for _, command := range slices.Sorted(maps.Keys(written)) {
		target := cleanPath(written[command])
		name := path.Base("/" + cleanPath(command))
		if name == "/" || target == "" {
			continue
		}
		all[name] = target
		if path.IsAbs(written[command]) || strings.HasPrefix(path.Clean(written[command]), "..") {
			leaving[name] = true
		}
	}
	return all, leaving
}

// cleanPath makes a path relative to the package and keeps it inside, as npm
// does: "./cli.js", "/cli.js" and "..\cli.js" are "cli.js".
func cleanPath(p string) string {
	return strings.TrimPrefix(path.Join("/", strings.NewReplacer(`\`, "/", ":", "/").Replace(p)), "/")
}

// members returns an object's members; of anything else, none.
func members(v jsontext.Value) map[string]jsontext.Value {
	var all map[string]jsontext.Value
	if v.Kind() != '{' || json.Unmarshal(v, &all) != nil {
		return nil
	}
	return all
}

// texts returns the members of an object that are text; npm drops the others.
func texts(v jsontext.Value) map[string]string {
	all := map[string]string{}
	for name, member := range members(v) {
		var s string
		if member.Kind() == '"' && json.Unmarshal(member, &s) == nil {
			all[name] = s
		}
	}
	return all
}

// list returns the texts of an array; one text is a list of one.
func list(v jsontext.Value) []string {
	var elements []jsontext.Value
	switch v.Kind() {
	case '"':
		elements = []jsontext.Value{v}
	case '[':
		if json.Unmarshal(v, &elements) != nil {
			return nil
		}
	}
	var all []string
	for _, e := range elements {
		if e.Kind() == '"' {
			all = append(all, textOf(e))
		}
	}
	return all
}

// canonical writes a value in one way (RFC 8785); what is not there, null or
// empty, is "".
func canonical(v jsontext.Value) string {
	if k := v.Kind(); k != '{' && k != '[' && k != '"' {
		return ""
	}
	c := v.Clone()
	if c.Canonicalize() != nil || string(c) == "{}" || string(c) == "[]" {
		return ""
	}
	return string(c)
}
