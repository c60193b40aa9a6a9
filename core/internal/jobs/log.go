package jobs

import (
	"context"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// handler writes River's log into the core's. What River tells of its routine
// is for debugging.
type handler struct {
	log   hclog.Logger
	attrs []any
}

// Enabled reports whether a level is logged.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || h.log.IsDebug()
}

// Handle logs one record.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	args := append([]any{}, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		args = append(args, a.Key, a.Value.String())
		return true
	})
	switch {
	case r.Level >= slog.LevelError:
		h.log.Error(r.Message, args...)
	case r.Level >= slog.LevelWarn:
		h.log.Warn(r.Message, args...)
	default:
		h.log.Debug(r.Message, args...)
	}
	return nil
}

// WithAttrs returns a handler that adds attributes to every record.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := &handler{log: h.log, attrs: append([]any{}, h.attrs...)}
	for _, a := range attrs {
		next.attrs = append(next.attrs, a.Key, a.Value.String())
	}
	return next
}

// WithGroup is not needed for River's records.
func (h *handler) WithGroup(string) slog.Handler { return h }
