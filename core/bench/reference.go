package main

import (
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
)

// startReference runs the program of the folder reference.
func startReference(ctx context.Context, dir, program string) (*target, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	const token = "token"
	data := filepath.Join(dir, "reference")
	t, err := newTarget(ctx, "reference", data, func(ctx context.Context) (*exec.Cmd, error) {
		return launched(ctx, "http://"+address+"/", http.StatusUnauthorized, program, data, address, token)
	})
	if err != nil {
		return nil, err
	}
	t.base, t.maven, t.token = "http://"+address, "http://"+address+"/maven", token
	return t, nil
}
