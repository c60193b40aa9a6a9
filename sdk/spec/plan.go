package spec

import "time"

// Plan is what the core commits, in one transaction, before it answers.
type Plan struct {
	Preconditions []Precondition
	Operations    []Operation
	Jobs          []EnqueueJob
	Touch         []string // cache keys that end with this plan, beside the names of the packages it touches
	ProjectID     int64    // the project that is changed, of a request about several; 0: that of the request
}

// Empty reports whether committing the plan would change nothing.
func (p *Plan) Empty() bool {
	return p == nil || len(p.Preconditions)+len(p.Operations)+len(p.Jobs)+len(p.Touch) == 0
}

// Precondition is checked under the package's lock before the first operation.
type Precondition struct {
	Check     Check
	OnFailure *HTTPResponse // nil: the core asks the plugin again, at most nine times
}

// Check is one of PackageAbsent, PackageUnchanged, FileAbsent, FilePresent, RowPresent.
type Check interface{ check() }

// PackageAbsent holds when no package of that name key and version key is stored or reserved.
type PackageAbsent struct{ Name, Version string }

// PackageUnchanged holds when the package still has that lock version.
type PackageUnchanged struct{ ID, LockVersion int64 }

// FileAbsent holds when the package of that name key and version key has no file
// of that key, or is not there. It is for those who wait for two files: whoever
// comes second sees the first.
type FileAbsent struct{ Name, Version, FileKey string }

// FilePresent holds when the package of that name key and version key has a file of
// that key. It is for those who make something visible that is whole only with it.
type FilePresent struct{ Name, Version, FileKey string }

// RowPresent holds when the table has a row of this project that equals Where on
// each of its columns. It is for those who leave something because there is more.
type RowPresent struct {
	Table string
	Where Row
}

func (PackageAbsent) check()    {}
func (RowPresent) check()       {}
func (FileAbsent) check()       {}
func (FilePresent) check()      {}
func (PackageUnchanged) check() {}

// Operation is one change, and the answer when a unique key refuses it.
type Operation struct {
	Op         Op
	OnConflict *HTTPResponse
}

// Op is one of CreatePackage, UpdatePackage, DestroyPackage, AttachFile,
// DestroyFile, DestroyFiles, SetTag, RemoveTag, UpsertRow, DeleteRows.
type Op interface{ op() }

// PackageRef is a package that the plan creates (Local) or a stored one (ID).
type PackageRef struct {
	Local Local
	ID    int64
}

// CreatePackage makes a package, or takes the existing one if Reuse is set.
type CreatePackage struct {
	Local      Local
	Name       string
	Version    string
	NameKey    string // normalised, for the unique index; empty: Name
	VersionKey string // normalised; empty: Version
	Status     string // empty: "default"
	Reuse      bool

	// TakeReserved: a name and version that a destroyed package has left reserved
	// is no conflict, for what may get other bytes anyway.
	TakeReserved bool
}

// UpdatePackage changes a package's status.
type UpdatePackage struct {
	Package       PackageRef
	Status        string // empty: unchanged
	StatusMessage string
}

// DestroyPackage removes a package and its files; name and version stay reserved.
type DestroyPackage struct{ Package PackageRef }

// AttachFile makes an upload of this request a file of a package.
type AttachFile struct {
	Package      PackageRef
	UploadHandle string
	FileName     string
	FileKey      string // empty: FileName
	Replace      bool
	Local        Local
}

// DestroyFile removes one file of a package.
type DestroyFile struct{ FileID int64 }

// DestroyFiles removes the files of a package whose keys begin with a text,
// however many they are; none is no error.
type DestroyFiles struct {
	Package       PackageRef
	FileKeyPrefix string // not empty
}

// SetTag gives a version a tag. Unless it is shared, the tag leaves the version
// of the same package name that had it.
type SetTag struct {
	Package      PackageRef
	Tag          string
	KeepExisting bool // a tag that exists already stays where it is
	Shared       bool // any number of versions may carry it (NuGet)
}

// RemoveTag removes a tag of a package name.
type RemoveTag struct{ Name, Tag string }

// UpsertRow writes a metadata row. The core fills project_id.
type UpsertRow struct {
	Table           string
	Row             Row
	ConflictColumns []string // empty: insert only
}

// DeleteRows removes the metadata rows of this project that equal Where on each of its columns.
type DeleteRows struct {
	Table string
	Where Row
}

func (CreatePackage) op()  {}
func (UpdatePackage) op()  {}
func (DestroyPackage) op() {}
func (AttachFile) op()     {}
func (DestroyFile) op()    {}
func (DestroyFiles) op()   {}
func (SetTag) op()         {}
func (RemoveTag) op()      {}
func (UpsertRow) op()      {}
func (DeleteRows) op()     {}

// EnqueueJob asks for background work, in the plan's transaction.
type EnqueueJob struct {
	Kind      string
	ArgsJSON  []byte
	Delay     time.Duration
	UniqueKey string
}

// Job is background work the core asks a plugin to do.
type Job struct {
	RequestContext
	Kind     string
	ArgsJSON []byte
}

// Event is something that happened to a package.
type Event struct {
	RequestContext
	ID      int64
	Type    string
	Package Package
	At      time.Time
}
