package plugins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logLines reads what a plugin writes to stderr, one JSON object a line as
// hclog makes them, and says it again in the core's log. Whatever else comes is
// logged as text: the plugin, or any library in it, may write what it likes.
// (go-plugin's own reader panics on {"@level":"info","@message":1}, so it never
// gets to parse a line.)
type logLines struct {
	log hclog.Logger
	now func() time.Time

	mu      sync.Mutex
	line    []byte
	cut     bool // the line is longer than what is kept
	second  time.Time
	lines   int
	dropped int
}

const (
	maxLine           = 8 << 10
	maxLinesPerSecond = 200
)

func newLogLines(log hclog.Logger) *logLines { return &logLines{log: log, now: time.Now} }

// Write takes bytes as they come. It never fails.
func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		part, rest, ended := bytes.Cut(p, []byte{'\n'})
		p = rest
		if room := maxLine - len(l.line); len(part) > room {
			part, l.cut = part[:room], true
		}
		l.line = append(l.line, part...)
		if ended {
			l.emit()
		}
	}
	return n, nil
}

func (l *logLines) emit() {
	line, cut := l.line, l.cut
	defer func() { l.line, l.cut = l.line[:0], false }()
	if now := l.now(); now.Sub(l.second) >= time.Second {
		if l.dropped > 0 {
			l.log.Warn("plugin logs too much; lines were dropped", "count", l.dropped)
		}
		l.second, l.lines, l.dropped = now, 0, 0
	}
	if l.lines++; l.lines > maxLinesPerSecond {
		l.dropped++
		return
	}
	text := strings.ToValidUTF8(strings.TrimRight(string(line), "\r"), "�")
	if text == "" {
		return
	}
	if cut || !l.emitJSON([]byte(text)) {
		l.log.Info("plugin says", "line", text, "cut", cut)
	}
}

// emitJSON logs a line of hclog's form; false if it is not one.
func (l *logLines) emitJSON(line []byte) bool {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return false
	}
	message, ok := fields["@message"].(string)
	if !ok {
		return false
	}
	name, _ := fields["@level"].(string)
	level := hclog.LevelFromString(name)
	if level == hclog.NoLevel {
		level = hclog.Info
	}
	args := make([]any, 0, 2*len(fields))
	for key, value := range fields {
		if !strings.HasPrefix(key, "@") {
			args = append(args, key, fmt.Sprint(value))
		}
	}
	l.log.Log(level, message, args...)
	return true
}
