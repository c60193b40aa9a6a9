package spec

import "time"

// Project is what a plugin may know of the project a request is for.
type Project struct {
	ID         int64
	Path       string
	Visibility Visibility
}

// Group is what a plugin may know of the group a request is for.
type Group struct {
	ID   int64
	Path string
}

// PackageSettings are what the operator has decided for a format's packages in
// the project's group. The zero value is the format's usual behaviour.
type PackageSettings struct {
	Decided            bool   // false: no group decides, and the format does as it does by itself
	RefuseDuplicates   bool   // a file that is stored already is not taken again
	DuplicateException string // RE2 for the whole name or version: what fits is the exception from RefuseDuplicates
	KeepSnapshots      int    // builds of a snapshot that are kept; 0: all
}

// Visibility is who may see a project.
type Visibility string

// GitLab's visibilities.
const (
	Private  Visibility = "private"
	Internal Visibility = "internal"
	Public   Visibility = "public"
)

// Actor is who sent the request.
type Actor struct {
	Kind     ActorKind
	ID       int64
	Username string
}

// ActorKind tells people from tokens.
type ActorKind string

// The kinds of actor.
const (
	Anonymous   ActorKind = "anonymous"
	User        ActorKind = "user"
	DeployToken ActorKind = "deploy_token"
	System      ActorKind = "system"
)

// Package is a name and a version with one or more files.
type Package struct {
	ID            int64
	ProjectID     int64
	Name          string
	Version       string // empty for a package without a version
	Status        string
	StatusMessage string
	LockVersion   int64 // grows with every change of the package
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// PackageFile is one file of a package.
type PackageFile struct {
	ID        int64
	PackageID int64
	FileName  string
	FileKey   string // identity within the package; the file name unless the format gave another
	Size      int64
	Digests   Digests
	CreatedAt time.Time
}

// Digests are raw bytes; those the format did not ask for are nil.
type Digests struct {
	MD5    []byte
	SHA1   []byte
	SHA256 []byte
	SHA512 []byte
}

// FoundPackage is a package with what the finder asked for.
type FoundPackage struct {
	Package Package
	Files   []PackageFile
	Tags    []string
	Rows    map[string][]Row // by table
}

// Row is one row of a metadata table or of a named query's result.
//
// A value is nil, bool, int64, float64, string, []byte, time.Time, []string,
// json.RawMessage or, in a plan, Local. Other Go types are an error.
type Row map[string]any

// Local stands for the id of a package or file that the same plan creates.
type Local string
