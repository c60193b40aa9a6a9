package server

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/pakhus/pakhus/sdk/spec"
)

// ask asks the plugin, unless what is to be answered is plain: see spec.DirectFile.
func ask(ctx context.Context, r *call, request *spec.Request) (*spec.Response, error) {
	if file := direct(r, request.Prefetched); file != nil {
		return &spec.Response{Outcome: file}, nil
	}
	return r.format.Handle(ctx, request, r.timeout())
}

// direct is the one file that the route's finder has found; nil: the plugin decides.
func direct(r *call, prefetched [][]spec.FoundPackage) *spec.SendFile {
	d := r.route.DirectFile
	if d == nil || len(prefetched) != 1 || len(prefetched[0]) != 1 || len(prefetched[0][0].Files) != 1 {
		return nil
	}
	file := prefetched[0][0].Files[0]
	digests := strings.NewReplacer(
		"{md5}", hex.EncodeToString(file.Digests.MD5), "{sha1}", hex.EncodeToString(file.Digests.SHA1),
		"{sha256}", hex.EncodeToString(file.Digests.SHA256), "{sha512}", hex.EncodeToString(file.Digests.SHA512),
	)
	header := http.Header{}
	for name, value := range d.Header {
		header.Set(name, digests.Replace(value))
	}
	return &spec.SendFile{FileID: file.ID, ContentType: d.ContentType, Header: header}
}
