// Command bench compares Pakhus with Verdaccio and a bare reference, side by
// side on one machine: rounds of all three in turn, so that what else the
// machine does meets all of them. Compare ratios, not rates.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	out := flag.String("json", "", "write the figures to this file too")
	rounds := flag.Int("rounds", 3, "rounds of each workload")
	length := flag.Duration("length", 2*time.Second, "length of a round")
	quick := flag.Bool("quick", false, "one short round: does it run at all")
	only := flag.String("only", "", "workloads whose name contains this")
	flag.Parse()
	if *quick {
		*rounds, *length = 1, 300*time.Millisecond
	}
	if err := run(*rounds, *length, *quick, *only, *out); err != nil {
		log.Fatal(err)
	}
}

func run(rounds int, length time.Duration, quick bool, only, out string) error {
	dir, err := os.MkdirTemp("", "pakhus-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's account must get through
		return err
	}
	reference := filepath.Join(dir, "reference")
	if text, err := exec.Command("go", "build", "-o", reference, "./core/bench/reference").CombinedOutput(); err != nil {
		return fmt.Errorf("build the reference: %w\n%s", err, text)
	}
	var targets []*target
	defer func() {
		for _, t := range targets {
			t.stop()
		}
	}()
	for _, start := range []func(string) (*target, error){
		startPakhus,
		startVerdaccio,
		func(dir string) (*target, error) { return startReference(dir, reference) },
	} {
		t, err := start(dir)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	r := &report{Machine: machine()}
	if err := prepare(targets, quick); err != nil {
		return err
	}
	for _, w := range workloads(quick) {
		if only != "" && !contains(w.name, only) {
			continue
		}
		row, err := measure(targets, w, rounds, length)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		r.Rows = append(r.Rows, row)
		fmt.Fprintln(os.Stderr, row)
	}
	if err := footprint(r, targets[0]); err != nil {
		return err
	}
	r.print(os.Stdout)
	if out == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644) //nolint:gosec // figures
}

// measure runs the rounds of a workload, each target in turn.
func measure(targets []*target, w workload, rounds int, length time.Duration) (Row, error) {
	row := Row{Name: w.name}
	rates := make([][]float64, len(targets))
	for range rounds {
		for i, t := range targets {
			rate, err := w.run(t, length)
			if err != nil {
				return row, fmt.Errorf("%s: %w", t.name, err)
			}
			rates[i] = append(rates[i], rate)
		}
	}
	for i, t := range targets {
		slices.Sort(rates[i])
		row.Figures = append(row.Figures, Figure{
			Target: t.name, Median: rates[i][len(rates[i])/2], Least: rates[i][0], Most: rates[i][len(rates[i])-1],
		})
	}
	return row, nil
}
