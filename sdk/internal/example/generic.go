// Package example is a whole format: files by name and version, as GitLab's
// generic packages.
package example

import (
	"context"
	"net/http"

	"github.com/pakhus/pakhus/sdk"
)

// Plugin returns the format. A real one has a main package that gives it to serve.Main.
func Plugin() *sdk.Plugin {
	return &sdk.Plugin{
		Format:     "generic",
		Version:    "1.0.0",
		Validators: map[string]string{"name": `[A-Za-z0-9._+-]{1,255}`, "file": `[A-Za-z0-9._+-]{1,255}`},
		Routes: []sdk.Route{
			{ID: "upload", Method: "PUT", Pattern: "{name:name}/{version:name}/{file:file}", Action: sdk.ActionCreatePackage, Body: sdk.RawFile(), Handler: upload},
			{ID: "download", Method: "GET", Pattern: "{name:name}/{version:name}/{file:file}", Action: sdk.ActionReadPackage, Handler: download},
			{ID: "list", Method: "GET", Pattern: "{name:name}", Action: sdk.ActionReadPackage, Cache: &sdk.Cache{Keys: []string{"{name}"}}, Handler: list},
		},
	}
}

func upload(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	file, err := r.File()
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan()
	pkg := plan.CreatePackage(r.Param("name"), r.Param("version"), sdk.Reuse())
	plan.AttachFile(pkg, file, r.Param("file"), sdk.FileConflict(sdk.Conflict("file already exists")))
	return sdk.Empty(http.StatusCreated).With(plan), nil
}

func download(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	found, err := r.Packages.First(ctx, sdk.Finder{Name: r.Param("name"), Version: r.Param("version"), FileName: r.Param("file"), WithFiles: true})
	if err != nil {
		return nil, err
	}
	return sdk.SendFile(found.Files[0]), nil
}

func list(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	files := map[string][]string{}
	for found, err := range r.Packages.Each(ctx, sdk.Finder{Name: r.Param("name"), WithFiles: true}) {
		if err != nil {
			return nil, err
		}
		for _, file := range found.Files {
			files[found.Package.Version] = append(files[found.Package.Version], file.FileName)
		}
	}
	return sdk.JSON(http.StatusOK, files), nil
}
