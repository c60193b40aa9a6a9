// Demo is a plugin that misbehaves when it is asked to. What it does from its
// start on, it takes from the name it is started by: demo-<version>, or
// demo-<fault>.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pakhus/pakhus/sdk/serve"
	"github.com/pakhus/pakhus/sdk/spec"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "demo-")
	p := &demo{format: "demo", version: "1.0.0", method: "GET", stderr: os.Stderr}
	switch name {
	case "mute":
		select {}
	case "dies":
		panic("no room")
	case "noisy":
		fmt.Println("hello\nworld|of|many|parts")
	case "other":
		p.format = "other"
	case "wrong":
		p.method = "FETCH"
	case "needy":
		p.features = []string{"teleport"}
	case "unlike":
		p.version = fmt.Sprintf("1.0.%d", os.Getpid())
	default:
		p.version = name
	}
	serve.Main(p)
}

type demo struct {
	format, version, method string
	features                []string
	stderr                  *os.File // the process's own; os.Stderr is go-plugin's before long
}

func (d *demo) Manifest() (*spec.Manifest, error) {
	return &spec.Manifest{
		Format: d.format, Version: d.version, SDKVersion: "0.0.0", ProtocolMinor: spec.ProtocolMinor,
		RequiredFeatures: d.features,
		Validators:       map[string]string{"word": "[a-z]+"},
		Routes: []spec.Route{{
			ID: "do", Method: d.method, Pattern: "{what:word}",
			Levels: []spec.Level{spec.LevelProject}, Action: spec.ActionReadPackage,
		}},
		Jobs:   []spec.JobKind{{Kind: "work", Timeout: time.Minute}},
		Limits: spec.FileLimits{MaxFileBytes: 1 << 20, TooLargeStatus: 413},
	}, nil
}

func (d *demo) Handle(ctx context.Context, r *spec.Request, h spec.Host) (*spec.Response, error) {
	argument := r.Params["with"]
	switch r.Params["what"] {
	case "echo":
	case "slow":
		n, err := strconv.Atoi(argument)
		if err != nil {
			return nil, err
		}
		time.Sleep(time.Duration(n) * time.Millisecond)
	case "exit":
		if _, err := d.stderr.WriteString("panic: demo is over\n"); err != nil {
			return nil, err
		}
		os.Exit(3)
	case "hang":
		select {}
	case "panic":
		panic("demo")
	case "fail":
		return nil, errors.New("demo cannot")
	case "print":
		fmt.Println(argument)
	case "say":
		if _, err := d.stderr.WriteString(argument + "\n"); err != nil {
			return nil, err
		}
	case "report":
		return report()
	case "child":
		return d.child(argument == "escaped")
	case "find":
		page, err := h.FindPackages(ctx, r.Scope, spec.Finder{Name: argument})
		if err != nil {
			return nil, err
		}
		return answer(page.NextPageToken), nil
	default:
		return nil, fmt.Errorf("demo does not know how to %q", r.Params["what"])
	}
	return &spec.Response{Outcome: &spec.HTTPResponse{Status: 200, Body: r.Body, Header: map[string][]string{
		"Version": {d.version}, "Pid": {strconv.Itoa(os.Getpid())},
	}}}, nil
}

func answer(body string) *spec.Response {
	return &spec.Response{Outcome: &spec.HTTPResponse{Status: 200, Body: []byte(body)}}
}

// report tells what the process was given.
func report() (*spec.Response, error) {
	stdin, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, err
	}
	group, err := syscall.Getpgid(0)
	if err != nil {
		return nil, err
	}
	var files, core syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return nil, err
	}
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &core); err != nil {
		return nil, err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(map[string]any{
		"env": os.Environ(), "stdin": string(stdin), "own_group": group == os.Getpid(),
		"files": files.Max, "core": core.Max, "no_new_privs": strings.Contains(string(status), "NoNewPrivs:\t1"),
	})
	return answer(string(data)), err
}

// child starts a process that holds the plugin's stderr, and returns its pid.
func (d *demo) child(escaped bool) (*spec.Response, error) {
	cmd := exec.Command("/bin/sleep", "1000") //nolint:noctx // outlives the request
	cmd.Stderr = d.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: escaped}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return answer(strconv.Itoa(cmd.Process.Pid)), nil
}

func (d *demo) RunJob(_ context.Context, j *spec.Job, _ spec.Host) (*spec.Plan, error) {
	return &spec.Plan{Touch: []string{j.Kind}}, nil
}

func (d *demo) HandleEvent(_ context.Context, e *spec.Event, _ spec.Host) (*spec.Plan, error) {
	return &spec.Plan{Touch: []string{e.Type}}, nil
}
