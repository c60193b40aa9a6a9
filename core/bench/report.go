package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
)

// report is all figures of a run.
type report struct {
	Machine   string      `json:"machine"`
	Rounds    int         `json:"rounds"`
	Length    string      `json:"round_length"`
	Rows      []Row       `json:"rows"`
	Growth    []Growth    `json:"growth"`
	Footprint []Footprint `json:"footprint"`
}

// Row is one workload.
type Row struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"` // Pakhus, Verdaccio, reference
}

// Figure is one target's rate over the rounds, in requests a second, and the
// CPU time that one request cost the server, its plugins and its PostgreSQL, and
// the client: they share the processors, so the client's share bounds every ratio.
type Figure struct {
	Target       string  `json:"target"`
	Median       float64 `json:"median"`
	Least        float64 `json:"least"`
	Most         float64 `json:"most"`
	CPUMillis    float64 `json:"cpu_millis"`
	ClientMillis float64 `json:"client_cpu_millis"`
}

// String is a line for whoever waits.
func (r Row) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	for _, f := range r.Figures {
		if f.Median > 0 {
			fmt.Fprintf(&b, "  %s %s/s (%.2f ms)", f.Target, number(f.Median), f.CPUMillis)
		}
	}
	fmt.Fprintf(&b, "  × reference %s", r.times(2, 2))
	return b.String()
}

// ifMeasured is text about the figure, or a dash: not all take part in everything.
func (f Figure) ifMeasured(text string) string {
	if f.Median == 0 {
		return "–"
	}
	return text
}

// times is how often the first target's rate is that of another.
func (r Row) times(other, digits int) string {
	f := r.Figures[other]
	return f.ifMeasured(fmt.Sprintf("%.*f", digits, r.Figures[0].Median/f.Median))
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n%d rounds of %s of each workload, the targets in turn: median (least–most) requests a second; CPU ms a request in server, plugins and PostgreSQL\n\n",
		r.Machine, r.Rounds, r.Length)
	t := tabwriter.NewWriter(w, 0, 4, 1, ' ', tabwriter.Debug)
	fmt.Fprintln(t, "workload\t Pakhus\t Verdaccio\t reference\t × Verdaccio\t × reference\t CPU ms: Pakhus\t Verdaccio\t reference\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s", row.Name)
		for _, f := range row.Figures {
			fmt.Fprintf(t, "\t %s", f.ifMeasured(fmt.Sprintf("%s (%s–%s)", number(f.Median), number(f.Least), number(f.Most))))
		}
		fmt.Fprintf(t, "\t %s\t %s", row.times(1, 1), row.times(2, 2))
		for _, f := range row.Figures {
			fmt.Fprintf(t, "\t %s", f.ifMeasured(fmt.Sprintf("%.2f", f.CPUMillis)))
		}
		fmt.Fprintln(t, "\t")
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	for _, g := range r.Growth {
		fmt.Fprintln(w, g)
	}
	fmt.Fprintln(t, "MiB resident, without PostgreSQL\t first start\t later start\t idle\t plugins\t peak of 8 publishes of 50 MiB at once\t plugins\t")
	for _, f := range r.Footprint {
		fmt.Fprintf(t, "%s\t %s\t %s\t %.0f\t %.0f\t %.0f\t %.0f\t\n", f.Target, f.FirstStart, f.LaterStart, f.Idle, f.IdlePlugin, f.Peak, f.PeakPlugin)
	}
	_ = t.Flush() // to a terminal; the file is what counts
	fmt.Fprintln(w)
}

// number has about three digits.
func number(f float64) string {
	switch {
	case f < 10:
		return fmt.Sprintf("%.2f", f)
	case f < 100:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.0f", f)
	}
}

// machine describes where the figures come from.
func machine(ctx context.Context) string {
	model, sha := "unknown processor", "without SHA instructions"
	info, _ := os.ReadFile("/proc/cpuinfo") // elsewhere than on Linux there is none
	for line := range strings.SplitSeq(string(info), "\n") {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			model = strings.TrimSpace(value)
		case "flags":
			if strings.Contains(value, " sha_ni") {
				sha = "with SHA instructions"
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	node, _ := exec.CommandContext(ctx, ".cache/clients/bin/node", "--version").Output()
	return fmt.Sprintf("%d × %s (%s), %s %s, %s, node %s", runtime.NumCPU(), model, sha, runtime.GOOS,
		strings.TrimSpace(string(kernel)), runtime.Version(), strings.TrimSpace(string(node)))
}
