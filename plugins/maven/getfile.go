package maven

import (
	"cmp"
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/plugins/maven/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// getFile sends a file, with its checksums in headers: Maven then does not ask
// for them.
func getFile(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	file, err := storedFile(ctx, r)
	if err != nil {
		return nil, err
	}
	return sdk.SendFile(file).
		ContentType("application/octet-stream").
		Header("X-Checksum-SHA1", hex.EncodeToString(file.Digests.SHA1)).
		Header("X-Checksum-MD5", hex.EncodeToString(file.Digests.MD5)), nil
}

// checksum answers with a digest of a stored file, whether a client has ever
// sent one or not: 40 hexadecimal digits and nothing else, as clients send it.
func checksum(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	file, err := storedFile(ctx, r)
	if err != nil {
		return nil, err
	}
	return sdk.Text(http.StatusOK, hex.EncodeToString(digestOf(file, r.Param("algorithm")))).Header("Content-Type", "text/plain"), nil
}

func digestOf(f sdk.PackageFile, algorithm string) []byte {
	switch algorithm {
	case "md5":
		return f.Digests.MD5
	case "sha1":
		return f.Digests.SHA1
	case "sha512":
		return f.Digests.SHA512
	}
	return f.Digests.SHA256
}

// storedFile finds the file that a path names. Of several projects that have it,
// the package that was made last is meant, as in GitLab.
func storedFile(ctx context.Context, r *sdk.Request) (sdk.PackageFile, error) {
	name, v, fileName := r.Param("name"), r.Param("version"), r.Param("file")
	if err := checkPath(name, v, fileName); err != nil {
		return sdk.PackageFile{}, err
	}
	found, err := r.Packages.Find(ctx, sdk.Finder{Name: name, Version: v, FileName: fileName, WithFiles: true})
	if err != nil {
		return sdk.PackageFile{}, err
	}
	for _, p := range slices.Backward(found) {
		if len(p.Files) > 0 {
			return p.Files[len(p.Files)-1], nil
		}
	}
	return newestOfSnapshot(ctx, r, name, v, fileName)
}

// newestOfSnapshot finds what "app-1.0-SNAPSHOT.jar" means where only builds are
// stored: the newest build's. Clients that read the metadata never ask; sbt, Ivy
// and people with curl do.
func newestOfSnapshot(ctx context.Context, r *sdk.Request, name, v, fileName string) (sdk.PackageFile, error) {
	absent := sdk.NotFound("Package file")
	_, artifactID, _ := layout.ParseName(name)
	if !strings.HasSuffix(v, version.Snapshot) || !strings.HasPrefix(fileName, artifactID+"-"+v) {
		return sdk.PackageFile{}, absent
	}
	wanted, err := layout.ParseFile(artifactID, v, fileName)
	if err != nil || wanted.Build != 0 {
		return sdk.PackageFile{}, absent
	}
	s, err := findSnapshot(ctx, r, name, v)
	if err != nil {
		return sdk.PackageFile{}, err
	}
	for _, f := range s.newest() {
		if f.Classifier == wanted.Classifier && f.Extension == wanted.Extension && f.Build != 0 {
			return f.file, nil
		}
	}
	return sdk.PackageFile{}, absent
}

// checkPath refuses a path that can be no file's. GitLab's word for all of them
// is "path should be a valid file path".
func checkPath(name, v, fileName string) error {
	_, _, err := layout.ParseName(name)
	err = cmp.Or(err, layout.CheckVersion(v), layout.CheckFileName(fileName))
	if err != nil {
		return sdk.Because(sdk.BadRequest("%v", err), err)
	}
	return nil
}
