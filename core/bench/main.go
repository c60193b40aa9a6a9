// Command bench compares Pakhus with Verdaccio and a bare reference, side by
// side on one machine: the rounds of all three in turn, so that what else the
// machine does meets all of them. Compare ratios, not rates; the CPU time that a
// request costs the server, its plugins and its PostgreSQL is steadier than both.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options is what the command line says.
type options struct {
	programs string        // the folder of pakhus and its plugins
	json     string        // a file for the figures, or nothing
	profiles string        // a folder for what perf records, or nothing
	only     string        // a part of the names of the workloads wanted
	rounds   int           // of each workload and target
	length   time.Duration // of a round
	quick    bool          // does it run at all
}

func main() {
	var o options
	flag.StringVar(&o.programs, "bin", "bin", "folder of pakhus and its plugins")
	flag.StringVar(&o.json, "json", "", "write the figures to this file too")
	flag.StringVar(&o.profiles, "perf", "", "have perf record every round into this folder (the rates suffer)")
	flag.StringVar(&o.only, "only", "", "only workloads whose name contains this")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each workload")
	flag.DurationVar(&o.length, "length", 2*time.Second, "length of a round")
	flag.BoolVar(&o.quick, "quick", false, "one short round of the smaller workloads")
	flag.Parse()
	if o.quick {
		o.rounds, o.length = 1, 300*time.Millisecond
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "pakhus-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL's account must get through
		return err
	}
	targets, err := startAll(ctx, dir, o.programs)
	defer func() {
		for _, t := range targets {
			t.stop()
		}
	}()
	if err != nil {
		return err
	}
	wanted := slices.DeleteFunc(workloads(o.quick), func(w workload) bool { return !strings.Contains(w.name, o.only) })
	if err := seed(ctx, targets, wanted, o.quick); err != nil {
		return err
	}
	r := &report{Machine: machine(ctx), Rounds: o.rounds, Length: o.length.String()}
	for _, w := range wanted {
		row, err := measure(ctx, targets, w, o)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		r.Rows = append(r.Rows, row)
		log.Print(row)
	}
	if strings.Contains("maven growth", o.only) {
		if r.Growth, err = growths(ctx, targets, o.quick); err != nil {
			return err
		}
	}
	if strings.Contains("footprint", o.only) {
		if r.Footprint, err = footprints(ctx, targets); err != nil {
			return err
		}
	}
	r.print(os.Stdout)
	return r.save(o.json)
}

// seed makes what the workloads read.
func seed(ctx context.Context, targets []*target, wanted []workload, quick bool) error {
	ofMaven := func(w workload) bool { return w.maven }
	if slices.ContainsFunc(wanted, func(w workload) bool { return !w.maven }) {
		if err := seedNPM(ctx, targets, quick); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(wanted, ofMaven) {
		return seedMaven(ctx, targets, quick)
	}
	return nil
}

// startAll starts the three: Pakhus, Verdaccio, the reference, in this order
// everywhere. It returns those started even when one was not.
func startAll(ctx context.Context, dir, programs string) ([]*target, error) {
	reference := filepath.Join(dir, "reference-server")
	text, err := exec.CommandContext(ctx, "go", "build", "-o", reference, "./core/bench/reference").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("build the reference: %w\n%s", err, text)
	}
	var targets []*target
	for _, t := range []struct {
		start   func(ctx context.Context, dir, program string) (*target, error)
		program string
	}{
		{startPakhus, filepath.Join(programs, "pakhus")},
		{startVerdaccio, ".cache/bench/verdaccio-6.8.0/node_modules/verdaccio/bin/verdaccio"},
		{startReference, reference},
	} {
		started, err := t.start(ctx, dir, t.program)
		if started != nil {
			targets = append(targets, started)
		}
		if err != nil {
			return targets, err
		}
	}
	return targets, nil
}

// measure runs the rounds of a workload, each target in turn.
func measure(ctx context.Context, targets []*target, w workload, o options) (Row, error) {
	rounds := make([][]round, len(targets))
	for range o.rounds {
		do := w.prepare(o.length)
		for i, t := range targets {
			if w.maven && t.maven == "" {
				continue
			}
			before, client := cpuOf(t.pid()), ownCPU()
			end, err := profiled(ctx, o.profiles, w.name, t)
			if err != nil {
				return Row{}, err
			}
			done, err := do(ctx, t)
			end()
			if err != nil {
				return Row{}, fmt.Errorf("%s: %w", t.name, err)
			}
			done.cpu, done.client = cpuOf(t.pid())-before, ownCPU()-client
			rounds[i] = append(rounds[i], done)
		}
	}
	row := Row{Name: w.name}
	for i, t := range targets {
		row.Figures = append(row.Figures, figure(t.name, rounds[i]))
	}
	return row, nil
}

// figure sums up the rounds of one target, if it took part.
func figure(name string, rounds []round) Figure {
	if len(rounds) == 0 {
		return Figure{Target: name}
	}
	var rates, server, client []float64
	for _, r := range rounds {
		rates = append(rates, r.perSecond())
		server = append(server, r.each(r.cpu))
		client = append(client, r.each(r.client))
	}
	return Figure{
		Target: name, Median: median(rates), Least: slices.Min(rates), Most: slices.Max(rates),
		CPUMillis: median(server), ClientMillis: median(client),
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// save writes the figures as JSON.
func (r *report) save(file string) error {
	if file == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}
