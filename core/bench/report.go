package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
)

// report is all figures of a run.
type report struct {
	Machine string            `json:"machine"`
	Rows    []Row             `json:"rows"`
	Pakhus  map[string]string `json:"pakhus"` // memory and readiness
}

// Row is one workload: requests a second of each target.
type Row struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"` // Pakhus, Verdaccio, reference
}

// Figure is one target's rate over the rounds.
type Figure struct {
	Target string  `json:"target"`
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

// String is a line for whoever waits.
func (r Row) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "  %s %.1f/s", f.Target, f.Median)
	}
	return b.String()
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", r.Machine)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "workload\tPakhus/s\tspread\tVerdaccio/s\tspread\treference/s\tspread\tto Verdaccio\tto reference\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t", row.Name)
		for _, f := range row.Figures {
			fmt.Fprintf(t, "%.1f\t%.0f–%.0f\t", f.Median, f.Least, f.Most)
		}
		mine := row.Figures[0].Median
		fmt.Fprintf(t, "%.1f\t%.2f\t\n", mine/row.Figures[1].Median, mine/row.Figures[2].Median)
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	for _, key := range []string{"ready after", "idle core", "idle plugin", "peak of eight 50 MiB publishes at once"} {
		fmt.Fprintf(w, "%s: %s\n", key, r.Pakhus[key])
	}
}

func machine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.SplitSeq(string(info), "\n") {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.TrimLeft(name, "\t :")
				break
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s, %s/%s", runtime.NumCPU(), model, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
