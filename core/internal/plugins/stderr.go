package plugins

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"
)

// What a plugin may say: more is cut, dropped and counted.
const (
	maxLine           = 8 << 10
	maxLinesPerSecond = 200
	maxFields         = 32
	keptLines         = 6 // for the error about its end
	keptBytes         = 256
)

// voice is what one process says, on stderr and astray on stdout, said again in
// the core's log: JSON objects of hclog's form one a line, and anything else as
// text. The plugin, or any library in it, may write what it likes; nothing of
// it is trusted.
type voice struct {
	now func() time.Time

	mu      sync.Mutex
	log     hclog.Logger
	second  time.Time
	lines   int
	dropped int
	last    []string
}

func newVoice(log hclog.Logger) *voice { return &voice{log: log, now: time.Now} }

// relog makes what comes from now on go to log.
func (v *voice) relog(log hclog.Logger) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.log = log
}

// stream returns a writer for one of the process's streams, on which lines are whole.
func (v *voice) stream() io.Writer { return &stream{voice: v} }

// lastLines returns what was said last that was not of hclog's form: the head
// of a panic, if there was one.
func (v *voice) lastLines() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for n, line := range v.last {
		if isPanic(line) {
			return strings.Join(v.last[n:min(n+2, len(v.last))], " / ")
		}
	}
	return strings.Join(v.last, " / ")
}

// stream cuts what is written to it into lines.
type stream struct {
	voice *voice

	mu   sync.Mutex
	line []byte
	cut  bool // the line is longer than what is kept
}

// Write takes bytes as they come. It never fails.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		part, rest, ended := bytes.Cut(p, []byte{'\n'})
		p = rest
		if room := maxLine - len(s.line); len(part) > room {
			part, s.cut = part[:room], true
		}
		s.line = append(s.line, part...)
		if ended {
			s.voice.say(s.line, s.cut)
			s.line, s.cut = s.line[:0], false
		}
	}
	return n, nil
}

// say logs one line.
func (v *voice) say(line []byte, cut bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := v.now(); now.Sub(v.second) >= time.Second {
		if v.dropped > 0 {
			v.log.Warn("plugin says too much; lines were dropped", "count", v.dropped)
		}
		v.second, v.lines, v.dropped = now, 0, 0
	}
	text := printable(string(line))
	if text == "" {
		return
	}
	if v.lines++; v.lines > maxLinesPerSecond {
		v.dropped++
		return
	}
	if !cut && v.sayJSON(line) {
		return
	}
	v.keep(text)
	v.log.Warn("plugin says", "line", text, "cut", cut)
}

// keep remembers a line for lastLines. The head of a panic stays: what follows
// it is a stack.
func (v *voice) keep(text string) {
	if len(v.last) == keptLines && isPanic(v.last[0]) {
		return
	}
	if len(text) > keptBytes {
		text = strings.ToValidUTF8(text[:keptBytes], "") + "…"
	}
	if isPanic(text) {
		v.last = nil
	}
	v.last = append(v.last, text)
	v.last = v.last[max(0, len(v.last)-keptLines):]
}

// isPanic knows the first line of what Go's runtime writes when a program dies.
func isPanic(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

// sayJSON logs a line of hclog's form; false if it is not one.
func (v *voice) sayJSON(line []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var fields map[string]any
	if decoder.Decode(&fields) != nil || decoder.More() {
		return false
	}
	message, isText := fields["@message"].(string)
	if !isText {
		return false
	}
	name, _ := fields["@level"].(string)
	level := hclog.LevelFromString(name)
	if level == hclog.NoLevel || level == hclog.Off {
		level = hclog.Info
	}
	args := make([]any, 0, 2*min(len(fields), maxFields))
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if strings.HasPrefix(key, "@") || len(args) == 2*maxFields {
			continue
		}
		args = append(args, ownKey(key), plain(fields[key]))
	}
	v.log.Log(level, printable(message), args...)
	return true
}

// ownKey keeps a plugin from saying things in the core's name.
func ownKey(key string) string {
	switch key = printable(key); key {
	case "plugin", "version", "pid", "":
		return "plugin_" + key
	}
	return key
}

// plain makes a value one that every log format shows on one line.
func plain(value any) any {
	switch value := value.(type) {
	case nil, bool:
		return value
	case json.Number:
		return value.String()
	case string:
		return printable(value)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	return string(data)
}

// printable takes out what could move a terminal's cursor or forge a line.
func printable(s string) string {
	s = strings.TrimRight(strings.ToValidUTF8(s, "\uFFFD"), "\r\n")
	return strings.Map(func(r rune) rune {
		if r != '\t' && r != '\n' && unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
