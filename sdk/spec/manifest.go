// Package spec is the plugin contract as plain structs: what a plugin declares,
// what it is asked, and what it answers. The wire form of the same is in
// sdk/proto; authors meet these types through package sdk, the core through
// package host.
package spec

import (
	"slices"
	"strings"
	"time"
)

// ProtocolMajor is the go-plugin protocol version: plugin and core must agree on it.
const ProtocolMajor = 1

// ProtocolMinor grows with every additive change of the contract.
const ProtocolMinor = 6

// MaxMessageBytes bounds every gRPC message, in both directions.
const MaxMessageBytes = 16 << 20

// MaxResponseBytes bounds a body that a plugin makes; it travels in chunks.
const MaxResponseBytes = 64 << 20

// Manifest is everything the core knows of a format before the first request.
// It is a pure function of the plugin's binary.
type Manifest struct {
	Format           string // ^[a-z][a-z0-9]{0,30}$
	Version          string // SemVer
	SDKVersion       string
	ProtocolMinor    uint32
	RequiredFeatures []string
	OptionalFeatures []string
	Validators       map[string]string // name → RE2, anchored by the core; no capturing groups
	Routes           []Route           // tried in order
	Metadata         MetadataSchema
	Jobs             []JobKind
	Events           []string
	Limits           FileLimits
	Errors           ErrorStyle
	ErrorHeader      string   // repeats the sentence of every refusal; empty: none
	RequestHeaders   []string // wanted, out of those the core allows

	// EscapedSlashSeparates makes "%2F" within a segment separate segments as
	// "/" does. Without it such a path is refused with 400.
	EscapedSlashSeparates bool
}

// ErrorStyle is the shape of the errors that the core itself answers on a format's routes.
type ErrorStyle int

// The error styles; see manifest.proto for what each looks like.
const (
	ErrorMessage         ErrorStyle = iota // {"message":…}
	ErrorMessageAndError                   // {"message":…,"error":…}
	ErrorText                              // text/plain
	ErrorProblem                           // RFC 9457
)

// Route is one method and path pattern below a format's mount.
type Route struct {
	ID              string
	Method          string
	Pattern         string // "{name:npm_name}/-/{file:file_name}"
	Levels          []Level
	Action          Action
	Body            BodyPolicy
	Cache           *CachePolicy
	Prefetch        []Finder
	PrefetchQueries []PrefetchQuery
	DirectFile      *DirectFile
	DirectRow       *DirectRow
	Timeout         time.Duration // 0: the core's default
	Challenge       Challenge
	AnonymousDenial AnonymousDenial
	Authenticated   bool              // anonymous callers are refused even where anybody may read
	MatchHeaders    map[string]string // values compared without case
	Produces        []string          // media types; the core negotiates
	FeatureFlag     string
	BodyCredentials *BodyCredentials
	Convention      *Convention // at instance level: which project or group the request is about
	// PackageName is the displayed name of the package that a write is about, of
	// parameters: "{name}". Empty: it is known when the plan is there.
	PackageName string
}

// Convention is how a format's names tell where a package lives, for requests to
// the whole instance.
type Convention struct {
	Value   string // "{name}" stands for a parameter, "{?name}" for one of the query
	Pattern string // RE2, anchored by the core, with one capturing group: the path; empty: all of Value
	Names   Names
	Slash   string // what stands for "/" in the path; empty: "/" itself

	// OrNothing: a request whose value names nothing that the caller may read is
	// not refused but about nothing, as a search is that finds nothing.
	OrNothing bool
}

// Names is what a convention's path is the path of.
type Names int

// What a path can name.
const (
	NamesProject   Names = iota + 1 // a project, by its full path
	NamesRootGroup                  // a group without a parent
)

// Level is where a route is mounted.
type Level int

// The levels of GitLab's package registry.
const (
	LevelProject  Level = iota + 1 // /api/v4/projects/:id/packages/<format>
	LevelGroup                     // /api/v4/groups/:id/-/packages/<format>
	LevelInstance                  // /api/v4/packages/<format>
)

// Action is what the caller must be allowed to do.
type Action int

// The actions, named after GitLab's abilities.
const (
	ActionNone Action = iota + 1 // nothing of a project is read or written
	ActionReadPackage
	ActionCreatePackage
	ActionDestroyPackage
)

// Challenge is what a 401 of a route carries in WWW-Authenticate.
type Challenge int

// The challenges.
const (
	ChallengeNone Challenge = iota
	ChallengeBasic
	ChallengeBearer
)

// AnonymousDenial is what a caller without credentials gets where credentials are needed.
type AnonymousDenial int

// The denials.
const (
	DenyUnauthorized AnonymousDenial = iota // 401
	DenyNotFound                            // 404
)

// BodyCredentials names the JSON fields of a login body that the core takes out.
type BodyCredentials struct {
	UsernameField string
	PasswordField string
}

// BodyKind says how the core consumes a request's body.
type BodyKind int

// The body kinds.
const (
	BodyNone            BodyKind = iota // a body is drained and ignored
	BodyInline                          // handed over whole
	BodyRawFile                         // the body is one file
	BodyMultipart                       // multipart/form-data
	BodyJSONAttachments                 // JSON with files in some of its strings
)

// BodyPolicy is a route's body kind with its limits. Fields that the kind does
// not use are zero.
type BodyPolicy struct {
	Kind        BodyKind
	MaxBytes    int64 // Inline: the body. Multipart: all fields. JSONAttachments: the document without attachments.
	InlineBelow int64 // RawFile: bodies up to this size are handed over inline too
	FileParts   []string
	MaxFiles    int
	Attachments []Attachment
}

// AttachmentAt returns how the file stands that a document has at path, the keys
// from the root, and false if the policy makes no file of what is there.
func (p BodyPolicy) AttachmentAt(path []string) (Encoding, bool) {
	for _, a := range p.Attachments {
		if slices.EqualFunc(a.Path, path, matchKey) {
			return a.Encoding, true
		}
	}
	return 0, false
}

// matchKey compares a key with a pattern in which one "*" stands for any text, "/" included.
func matchKey(pattern, key string) bool {
	prefix, suffix, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == key
	}
	return len(key) >= len(prefix)+len(suffix) && strings.HasPrefix(key, prefix) && strings.HasSuffix(key, suffix)
}

// Attachment is a place in a JSON document that holds a file.
type Attachment struct {
	Path     []string // keys from the root; in a key one "*" stands for any text, "/" included
	Encoding Encoding
}

// Encoding is how a file stands in a JSON string.
type Encoding int

// The encodings.
const (
	EncodingBase64 Encoding = iota + 1
	EncodingText
)

// CachePolicy lets the core keep an answer as long as nothing it depends on changed.
type CachePolicy struct {
	Keys      []string // package names; "{name}" stands for a parameter
	VaryQuery []string
}

// FileLimits bounds uploads and names the digests the format wants beside sha256.
type FileLimits struct {
	MaxFileBytes   int64
	Digests        []Digest
	TooLargeStatus int // 413 or 400
}

// Digest is a hash of a file's content.
type Digest int

// The digests a format can ask for; sha256 is always made.
const (
	MD5 Digest = iota + 1
	SHA1
	SHA512
)

// MetadataSchema is what a format keeps beside the generic model.
type MetadataSchema struct {
	Migrations []Migration // in order, from version 1, forward only
	Queries    []NamedQuery
}

// Migration is one step of a format's schema.
type Migration struct {
	Name string
	SQL  string
}

// NamedQuery is static SQL, installed as a function; $1 is bigint[], the ids of
// the projects that the caller may read.
type NamedQuery struct {
	Name          string
	SQL           string
	ArgumentTypes []string // of the arguments after the projects
	Result        []QueryColumn
}

// PrefetchQuery is a call of a named query that the core makes before it calls the
// plugin, on the same snapshot as the route's finders.
type PrefetchQuery struct {
	Name string
	// Arguments are one for each of the query's, which are texts and bigints: a text
	// may have "{param}" in it, a bigint is its digits.
	Arguments []string
}

// QueryColumn is one column of a named query's result.
type QueryColumn struct {
	Name string
	Type string // a PostgreSQL type
}

// JobKind declares background work.
type JobKind struct {
	Kind        string
	Timeout     time.Duration
	MaxAttempts int
}

// Finder selects packages of the request's format in the request's project, or
// in all projects of its group that the caller may read. Name, Version
// and NamePrefix are compared with the packages' keys, the normalised forms.
type Finder struct {
	Name       string // "{param}" is replaced in a prefetch
	Version    string
	FileName   string // only packages with this file, and only that file of them
	FileKey    string // likewise, by the file's key
	FileSuffix string // only packages that have a file whose name ends with this
	NamePrefix string
	Statuses   []string // default: those served to clients
	Limit      int      // packages a page; 0: the core's page size
	PageToken  string
	WithFiles  bool
	WithTags   bool
	WithRows   []RowSelection
}

// RowSelection names metadata to load with each package.
type RowSelection struct {
	Table   string
	Columns []string // empty: all
}
