package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Footprint is what a target takes apart from time. Memory is in MiB and
// resident; PostgreSQL's is not in it.
type Footprint struct {
	Target     string  `json:"target"`
	FirstStart string  `json:"first_start"` // until it answered, with an empty folder
	LaterStart string  `json:"later_start"`
	Idle       float64 `json:"idle_mib"`        // the server, some seconds after a start
	IdlePlugin float64 `json:"idle_plugin_mib"` // and its plugins
	Peak       float64 `json:"peak_mib"`        // the server, eight publishes of 50 MiB at once
	PeakPlugin float64 `json:"peak_plugin_mib"` // and its plugins
}

// footprints starts each target again, lets it rest, and then publishes eight
// large packages at once.
func footprints(ctx context.Context, targets []*target) ([]Footprint, error) {
	bodies := make([]body, 8)
	for i := range bodies {
		bodies[i] = newBody(fmt.Sprintf("large-%d", i), "1.0.0", 50<<20)
	}
	var all []Footprint
	for _, t := range targets {
		f, err := footprintOf(ctx, t, bodies)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		all = append(all, f)
	}
	return all, nil
}

func footprintOf(ctx context.Context, t *target, bodies []body) (Footprint, error) {
	t.stop()
	later, err := t.start(ctx)
	if err != nil {
		return Footprint{}, err
	}
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
		return Footprint{}, ctx.Err()
	}
	f := Footprint{
		Target: t.name, FirstStart: t.first.Round(time.Millisecond).String(), LaterStart: later.Round(time.Millisecond).String(),
		Idle: memoryOf(t.pid(), "VmRSS"), IdlePlugin: pluginMemory(t, "VmRSS"),
	}
	if err := forgetPeak(t.pid()); err != nil {
		return f, err
	}
	if err := publishAtOnce(ctx, t, bodies); err != nil {
		return f, err
	}
	f.Peak, f.PeakPlugin = memoryOf(t.pid(), "VmHWM"), pluginMemory(t, "VmHWM")
	return f, nil
}

func publishAtOnce(ctx context.Context, t *target, bodies []body) error {
	errs := make([]error, len(bodies))
	var wg sync.WaitGroup
	for i, b := range bodies {
		wg.Go(func() { errs[i] = t.publish(ctx, b) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func pluginMemory(t *target, field string) float64 {
	var sum float64
	for _, s := range familyOf(t.pid()) {
		if strings.HasPrefix(programOf(s.pid), "pakhus-plugin") {
			sum += memoryOf(s.pid, field)
		}
	}
	return sum
}
