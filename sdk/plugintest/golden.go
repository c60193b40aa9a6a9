package plugintest

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk/spec"
)

// A flag must exist before the test binary parses its command line.
var update = flag.Bool("update", false, "write golden files instead of comparing with them") //nolint:gochecknoglobals // see above

// Golden compares a result with testdata/<name>.golden, in the form of [Format].
// With -update it writes the file.
func Golden(tb testing.TB, name string, result Result) {
	tb.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name)+".golden")
	got := Format(result)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			tb.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file) //nolint:gosec // a test's own file
	if err != nil {
		tb.Fatalf("%v (run the test with -update to write it)", err)
	}
	if got != string(want) {
		tb.Errorf("%s differs (run the test with -update to accept it)\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

// Format writes a result as text: what the client gets, then the plan, one
// operation a paragraph.
func Format(result Result) string {
	var b strings.Builder
	if result.Route != "" {
		fmt.Fprintf(&b, "route %s\n", result.Route)
	}
	response(&b, result.Response)
	if result.Plan.Empty() {
		return b.String()
	}
	if id := result.Plan.ProjectID; id != 0 {
		fmt.Fprintf(&b, "\nin project %d\n", id)
	}
	for _, p := range result.Plan.Preconditions {
		paragraph(&b, "require", p.Check, p.OnFailure)
	}
	for _, o := range result.Plan.Operations {
		paragraph(&b, "do", o.Op, o.OnConflict)
	}
	for _, j := range result.Plan.Jobs {
		fmt.Fprintf(&b, "\nenqueue %s %s delay=%s unique=%q\n", j.Kind, j.ArgsJSON, j.Delay, j.UniqueKey)
	}
	return b.String()
}

func response(b *strings.Builder, r *spec.HTTPResponse) {
	if r == nil {
		return
	}
	fmt.Fprintf(b, "%d\n", r.Status)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			fmt.Fprintf(b, "%s: %s\n", name, value)
		}
	}
	if len(r.Body) > 0 {
		fmt.Fprintf(b, "\n%s\n", readable(r.Body))
	}
}

// readable indents JSON, quotes what is no text, and leaves the rest.
func readable(data []byte) string {
	indented := jsontext.Value(bytes.Clone(data))
	if indented.Indent(jsontext.WithIndent("  ")) == nil {
		return string(indented)
	}
	if quoted := fmt.Sprintf("%q", data); strings.Contains(quoted, `\x`) {
		return quoted
	}
	return string(data)
}

func paragraph(b *strings.Builder, verb string, what any, otherwise *spec.HTTPResponse) {
	name := strings.TrimPrefix(fmt.Sprintf("%T", what), "spec.")
	data, err := json.Marshal(what, json.OmitZeroStructFields(true), json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		data = fmt.Appendf(nil, "%+v", what)
	}
	fmt.Fprintf(b, "\n%s %s %s\n", verb, name, data)
	if otherwise != nil {
		fmt.Fprintf(b, "otherwise %d %s\n", otherwise.Status, otherwise.Body)
	}
}
