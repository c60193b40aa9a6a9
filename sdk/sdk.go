// Package sdk is what the author of a package format imports.
//
// A format is a [Plugin]: routes, validators, tables, jobs. A [Handler] gets a
// [Request] with what the core already checked, reads through it, and returns an
// [Outcome] (what to answer) with a [Plan] (what to change). It changes nothing
// itself: the core commits the whole plan in one transaction and only then
// answers, so a handler may be called again with the same request at any time.
//
// Package plugintest runs a Plugin in a test, without process or database;
// package serve runs it for real.
package sdk

import "github.com/pakhus/pakhus/sdk/spec"

// Version is this SDK's version, which every manifest names.
const Version = "0.1.0"

// What a plugin is told of.
type (
	// Project is the project a request is for.
	Project = spec.Project
	// Group is the group a request is for.
	Group = spec.Group
	// PackageSettings are what the operator has decided for a format's packages.
	PackageSettings = spec.PackageSettings
	// Visibility is who may see a project.
	Visibility = spec.Visibility
	// Actor is who sent a request.
	Actor = spec.Actor
	// ActorKind tells people from tokens.
	ActorKind = spec.ActorKind
	// Package is a name and a version with one or more files.
	Package = spec.Package
	// PackageFile is one file of a package.
	PackageFile = spec.PackageFile
	// Digests are raw bytes; those the format did not ask for are nil.
	Digests = spec.Digests
	// Upload is a file the core has stored for this request.
	Upload = spec.Upload
	// FoundPackage is a package with what the finder asked for.
	FoundPackage = spec.FoundPackage
	// Row is one row of a metadata table; see spec.Row for the value types.
	Row = spec.Row
)

// What a plugin asks for.
type (
	// Finder selects packages of the request's project and format.
	Finder = spec.Finder
	// PrefetchQuery is a call of a named query that is answered before the handler is called.
	PrefetchQuery = spec.PrefetchQuery
	// RowSelection names metadata to load with each package.
	RowSelection = spec.RowSelection
	// RowSelect selects metadata rows.
	RowSelect = spec.RowSelect
	// QueryCall is a call of a named query in a batch.
	QueryCall = spec.QueryCall
	// ReadCall is one read of a batch.
	ReadCall = spec.ReadCall
	// ReadResult is the answer to a ReadCall.
	ReadResult = spec.ReadResult
	// FileRef names an upload of this request or a stored file; see [UploadRef] and [StoredFile].
	FileRef = spec.FileRef
	// ArchiveRead asks for the members of an archive that match a glob.
	ArchiveRead = spec.ArchiveRead
	// Archive is what a walk found.
	Archive = spec.Archive
	// ArchiveMember is one regular file of an archive.
	ArchiveMember = spec.ArchiveMember
	// ArchiveKind is a container format the core can walk.
	ArchiveKind = spec.ArchiveKind
)

// What a plugin declares.
type (
	// Level is where a route is mounted.
	Level = spec.Level
	// Action is what the caller must be allowed to do.
	Action = spec.Action
	// BodyPolicy says how the core consumes a request's body.
	BodyPolicy = spec.BodyPolicy
	// Attachment is a place in a JSON document that holds a file.
	Attachment = spec.Attachment
	// Encoding is how a file stands in a JSON string.
	Encoding = spec.Encoding
	// BodyCredentials names the JSON fields of a login body that the core takes out.
	BodyCredentials = spec.BodyCredentials
	// Convention is how names tell where a package lives, for requests to the whole instance.
	Convention = spec.Convention
	// Cache lets the core keep an answer as long as nothing it depends on changed.
	Cache = spec.CachePolicy
	// DirectFile is a file that the core sends by itself.
	DirectFile = spec.DirectFile
	// DirectRow is a document, made by a named query, that the core sends by itself.
	DirectRow = spec.DirectRow
	// Challenge is what a 401 carries in WWW-Authenticate.
	Challenge = spec.Challenge
	// AnonymousDenial is what a caller without credentials gets where credentials are needed.
	AnonymousDenial = spec.AnonymousDenial
	// FileLimits bounds uploads and names the digests the format wants beside sha256.
	FileLimits = spec.FileLimits
	// Digest is a hash of a file's content.
	Digest = spec.Digest
	// Migration is one step of a format's schema; see [MigrationsFS].
	Migration = spec.Migration
	// NamedQuery is static SQL that the core installs as a function.
	NamedQuery = spec.NamedQuery
	// QueryColumn is one column of a named query's result.
	QueryColumn = spec.QueryColumn
	// ErrorStyle is the shape of a format's errors, the core's and [Problem]'s alike.
	ErrorStyle = spec.ErrorStyle
)

// The levels of GitLab's package registry.
const (
	LevelProject  = spec.LevelProject
	LevelGroup    = spec.LevelGroup
	LevelInstance = spec.LevelInstance
)

// What a convention's path can name.
const (
	NamesProject   = spec.NamesProject
	NamesRootGroup = spec.NamesRootGroup
)

// The actions, named after GitLab's abilities.
const (
	ActionNone           = spec.ActionNone
	ActionReadPackage    = spec.ActionReadPackage
	ActionCreatePackage  = spec.ActionCreatePackage
	ActionDestroyPackage = spec.ActionDestroyPackage
)

// The challenges.
const (
	ChallengeNone   = spec.ChallengeNone
	ChallengeBasic  = spec.ChallengeBasic
	ChallengeBearer = spec.ChallengeBearer
)

// The denials.
const (
	DenyUnauthorized = spec.DenyUnauthorized
	DenyNotFound     = spec.DenyNotFound
)

// The encodings of attachments.
const (
	EncodingBase64 = spec.EncodingBase64
	EncodingText   = spec.EncodingText
)

// The digests a format can ask for; sha256 is always made.
const (
	MD5    = spec.MD5
	SHA1   = spec.SHA1
	SHA512 = spec.SHA512
)

// The error styles.
const (
	ErrorMessage         = spec.ErrorMessage
	ErrorMessageAndError = spec.ErrorMessageAndError
	ErrorText            = spec.ErrorText
	ErrorProblem         = spec.ErrorProblem
)

// The archive kinds.
const (
	TarGzip = spec.TarGzip
	Zip     = spec.Zip
)

// GitLab's visibilities.
const (
	Private  = spec.Private
	Internal = spec.Internal
	Public   = spec.Public
)

// The kinds of actor.
const (
	Anonymous   = spec.Anonymous
	User        = spec.User
	DeployToken = spec.DeployToken
	System      = spec.System
)

// The statuses of a package. Clients are served default, hidden and deprecated.
const (
	StatusDefault            = "default"
	StatusHidden             = "hidden"
	StatusProcessing         = "processing"
	StatusError              = "error"
	StatusPendingDestruction = "pending_destruction"
	StatusDeprecated         = "deprecated"
)
