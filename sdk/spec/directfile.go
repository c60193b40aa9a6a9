package spec

import (
	"encoding/hex"
	"net/http"
	"strings"
)

// DirectFile is the answer where the route's only finder finds one package with
// one file: the core sends it without asking the plugin, whose handler must
// answer no differently. "{md5}", "{sha1}", "{sha256}" and "{sha512}" in header
// values stand for the file's digests, in hex.
type DirectFile struct {
	ContentType string
	Header      map[string]string
}

// Answer is the answer for what the route's finders have found; nil: the plugin decides.
func (d *DirectFile) Answer(prefetched [][]FoundPackage) *SendFile {
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
	return &SendFile{FileID: file.ID, ContentType: d.ContentType, Header: header}
}
