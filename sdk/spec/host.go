package spec

import "context"

// Host is what a plugin may read while it serves a request, a job or an event.
// Every call carries the scope that the core gave it; there is no call that writes.
type Host interface {
	// FindPackages returns one page. An unknown scope is an error.
	FindPackages(ctx context.Context, scope string, f Finder) (FoundPage, error)
	// SelectRows reads metadata rows of the scope's project.
	SelectRows(ctx context.Context, scope string, s RowSelect) ([]Row, error)
	// RunQuery calls a named query of the manifest.
	RunQuery(ctx context.Context, scope string, q QueryCall) ([]Row, error)
	// Batch answers several reads on one snapshot; results come in the calls' order.
	Batch(ctx context.Context, scope string, calls []ReadCall) ([]ReadResult, error)
	// ReadArchive walks an archive in the core. An unsafe or broken archive is
	// not an error but Archive.Refusal.
	ReadArchive(ctx context.Context, scope string, r ArchiveRead) (Archive, error)
	// ReadFile returns at most 1 MiB of a file and the file's size.
	ReadFile(ctx context.Context, scope string, f FileRef, offset, length int64) ([]byte, int64, error)
}

// FoundPage is one page of packages; NextPageToken is empty on the last.
type FoundPage struct {
	Packages      []FoundPackage
	NextPageToken string
}

// RowSelect selects metadata rows.
type RowSelect struct {
	Table   string
	Where   Row // equality; a []string value means "any of"
	Columns []string
	OrderBy []string // "-" before a name for descending order
	Limit   int
}

// QueryCall is a call of a named query.
type QueryCall struct {
	Name      string
	Arguments []any // values as in Row
	Limit     int
}

// ReadCall is one of *Finder, *RowSelect, *QueryCall; exactly one is set.
type ReadCall struct {
	Find   *Finder
	Select *RowSelect
	Query  *QueryCall
}

// ReadResult is the answer to a ReadCall: Page for Find, Rows otherwise.
type ReadResult struct {
	Page FoundPage
	Rows []Row
}

// FileRef is an upload of this request or a stored file of the scope's project.
type FileRef struct {
	UploadHandle string
	FileID       int64
}

// ArchiveKind is a container format the core can walk.
type ArchiveKind int

// The archive kinds.
const (
	TarGzip ArchiveKind = iota + 1
	Zip
)

// ArchiveRead asks for the members of an archive that match a glob.
type ArchiveRead struct {
	File           FileRef
	Kind           ArchiveKind
	Globs          []string // path.Match
	MaxMemberBytes int64    // a matching member over this is a refusal
	ListNames      bool     // the names of all regular files are wanted, too
}

// Archive is what a walk found.
type Archive struct {
	Members       []ArchiveMember // those that match, in the archive's order
	FileCount     int64           // regular files in all
	UnpackedBytes int64
	Names         []string // of all regular files, if they were asked for
	Refusal       string   // not empty: unsafe or broken, in words for the client
}

// ArchiveMember is one regular file of an archive.
type ArchiveMember struct {
	Name string
	Data []byte
}
