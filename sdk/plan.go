package sdk

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Plan is what the core commits, in one transaction, before it answers: first
// the preconditions are checked, then the operations run in order.
//
// Mistakes in building a plan (an upload that is none, arguments that are not
// JSON) are kept, and become the handler's error when it returns. Problems given
// to a plan are answers for the client, rendered in the plugin's error style.
type Plan struct {
	preconditions []precondition
	operations    []operation
	jobs          []spec.EnqueueJob
	projectID     int64
	locals        int
	errs          []error
}

type precondition struct {
	check   spec.Check
	problem error
}

type operation struct {
	op      spec.Op
	problem error
}

// Ref is a package in a plan: one that the plan creates, or a stored one.
type Ref struct{ ref spec.PackageRef }

// NewFile is a file that a plan attaches.
type NewFile struct {
	local spec.Local
}

// NewPlan returns a plan that changes nothing yet.
func NewPlan() *Plan { return &Plan{} }

// Existing refers to a stored package. To be sure that it is still as it was
// read, add [Plan.Unchanged].
func Existing(pkg Package) Ref { return Ref{spec.PackageRef{ID: pkg.ID}} }

// In says which project the plan changes, where a request is about several: at
// group level, and at instance level by root group. The core checks that the
// caller may do there what the route's action says, and answers 403 if not.
func (p *Plan) In(projectID int64) *Plan { p.projectID = projectID; return p }

// PackageOption changes how a package is created.
type PackageOption func(*operation, *spec.CreatePackage)

// Reuse takes the package of that name and version if it exists.
func Reuse() PackageOption { return func(_ *operation, c *spec.CreatePackage) { c.Reuse = true } }

// Processing hides the package from clients until its status is set to default.
func Processing() PackageOption { return Status(StatusProcessing) }

// Status creates the package with a status other than default.
func Status(status string) PackageOption {
	return func(_ *operation, c *spec.CreatePackage) { c.Status = status }
}

// Keys gives the normalised name and version that decide what is a duplicate.
// An empty key is the name or version itself. Normalising twice must change nothing.
func Keys(nameKey, versionKey string) PackageOption {
	return func(_ *operation, c *spec.CreatePackage) { c.NameKey, c.VersionKey = nameKey, versionKey }
}

// TakeReserved takes a name and version that a deleted package has left reserved:
// for what may get other bytes anyway, such as a snapshot.
func TakeReserved() PackageOption {
	return func(_ *operation, c *spec.CreatePackage) { c.TakeReserved = true }
}

// OnConflict is the answer when name and version are taken, or reserved by a
// package that was deleted. Without it the handler is called again.
func OnConflict(problem error) PackageOption {
	return func(o *operation, _ *spec.CreatePackage) { o.problem = problem }
}

// CreatePackage makes a package. An empty version is a package without one. The
// project's protection rules are held against the name, without case: where a
// format has further spellings of one name, it gives the same name for all.
func (p *Plan) CreatePackage(name, version string, opts ...PackageOption) Ref {
	c := spec.CreatePackage{Local: p.local(), Name: name, Version: version}
	var o operation
	for _, opt := range opts {
		opt(&o, &c)
	}
	o.op = c
	p.operations = append(p.operations, o)
	return Ref{spec.PackageRef{Local: c.Local}}
}

// FileOption changes how a file is attached.
type FileOption func(*operation, *spec.AttachFile)

// Replace replaces a file of the package that has the same key.
func Replace() FileOption { return func(_ *operation, a *spec.AttachFile) { a.Replace = true } }

// FileKey gives the file an identity within the package other than its name.
func FileKey(key string) FileOption {
	return func(_ *operation, a *spec.AttachFile) { a.FileKey = key }
}

// FileConflict is the answer when the package has a file with that key. Without
// it the handler is called again.
func FileConflict(problem error) FileOption {
	return func(o *operation, _ *spec.AttachFile) { o.problem = problem }
}

// AttachFile makes an upload of this request a file of a package.
func (p *Plan) AttachFile(pkg Ref, u Upload, fileName string, opts ...FileOption) NewFile {
	if u.Handle == "" {
		p.fail("attach file %q: not an upload of the request", fileName)
	}
	a := spec.AttachFile{Package: pkg.ref, UploadHandle: u.Handle, FileName: fileName, Local: p.local()}
	var o operation
	for _, opt := range opts {
		opt(&o, &a)
	}
	o.op = a
	p.operations = append(p.operations, o)
	return NewFile{local: a.Local}
}

// Upsert writes a metadata row of a package: it fills package_id, the core fills
// project_id. An existing row that is equal in the conflict columns is updated;
// without conflict columns the row is inserted, and the handler called again if
// a unique key refuses it.
func (p *Plan) Upsert(table string, pkg Ref, row Row, conflictColumns ...string) *Plan {
	return p.upsert(table, with(row, "package_id", pkg.value()), conflictColumns, nil)
}

// UpsertFile is Upsert for a row of a file that this plan attaches: it fills
// package_file_id.
func (p *Plan) UpsertFile(table string, file NewFile, row Row, conflictColumns ...string) *Plan {
	return p.upsert(table, with(row, "package_file_id", file.local), conflictColumns, nil)
}

// Insert writes a metadata row of a package and answers with the problem if a
// unique key refuses it.
func (p *Plan) Insert(table string, pkg Ref, row Row, problem error) *Plan {
	return p.upsert(table, with(row, "package_id", pkg.value()), nil, problem)
}

func (p *Plan) upsert(table string, row Row, conflictColumns []string, problem error) *Plan {
	return p.add(spec.UpsertRow{Table: table, Row: p.row(table, row), ConflictColumns: conflictColumns}, problem)
}

// DeleteRows removes the metadata rows of the project that equal where in each
// of its columns; an empty where is an error of the core.
func (p *Plan) DeleteRows(table string, where Row) *Plan {
	return p.add(spec.DeleteRows{Table: table, Where: p.row(table, where)}, nil)
}

// TagOption changes how a tag is set.
type TagOption func(*spec.SetTag)

// KeepTag leaves a tag where it is if any version of the package name has it.
func KeepTag() TagOption { return func(s *spec.SetTag) { s.KeepExisting = true } }

// ShareTag lets other versions keep the tag.
func ShareTag() TagOption { return func(s *spec.SetTag) { s.Shared = true } }

// SetTag gives a version a tag; the tag leaves the version of the same package
// name that had it.
func (p *Plan) SetTag(pkg Ref, tag string, opts ...TagOption) *Plan {
	s := spec.SetTag{Package: pkg.ref, Tag: tag}
	for _, opt := range opts {
		opt(&s)
	}
	return p.add(s, nil)
}

// RemoveTag removes a tag of a package name; a tag that is not there is no error.
func (p *Plan) RemoveTag(name, tag string) *Plan {
	return p.add(spec.RemoveTag{Name: name, Tag: tag}, nil)
}

// SetStatus changes a package's status; the message says why, to people.
func (p *Plan) SetStatus(pkg Ref, status, message string) *Plan {
	return p.add(spec.UpdatePackage{Package: pkg.ref, Status: status, StatusMessage: message}, nil)
}

// DestroyPackage removes a package, its files and rows; name and version stay reserved.
func (p *Plan) DestroyPackage(pkg Ref) *Plan {
	return p.add(spec.DestroyPackage{Package: pkg.ref}, nil)
}

// DestroyFile removes one file of a package.
func (p *Plan) DestroyFile(file PackageFile) *Plan {
	return p.add(spec.DestroyFile{FileID: file.ID}, nil)
}

// DestroyFiles removes the files of a package whose keys begin with prefix,
// however many they are; none is no error.
func (p *Plan) DestroyFiles(pkg Ref, prefix string) *Plan {
	return p.add(spec.DestroyFiles{Package: pkg.ref, FileKeyPrefix: prefix}, nil)
}

// Unchanged makes the plan depend on a package being as it was read. If it is
// not, the client gets the problem; a nil problem has the handler called again.
func (p *Plan) Unchanged(pkg Package, problem error) *Plan {
	return p.require(spec.PackageUnchanged{ID: pkg.ID, LockVersion: pkg.LockVersion}, problem)
}

// Absent makes the plan depend on no package of that name and version being
// stored or reserved. A nil problem has the handler called again.
func (p *Plan) Absent(name, version string, problem error) *Plan {
	return p.require(spec.PackageAbsent{Name: name, Version: version}, problem)
}

// FileAbsent makes the plan depend on the package having no file of that key, or
// on there being no such package: for a handler that would do more if it saw the
// file. A nil problem has the handler called again, to see it.
func (p *Plan) FileAbsent(name, version, fileKey string, problem error) *Plan {
	return p.require(spec.FileAbsent{Name: name, Version: version, FileKey: fileKey}, problem)
}

// FilePresent makes the plan depend on the package having a file of that key: for a
// handler that makes visible what is whole only with it. A nil problem has the
// handler called again, to see that it is gone.
func (p *Plan) FilePresent(name, version, fileKey string, problem error) *Plan {
	return p.require(spec.FilePresent{Name: name, Version: version, FileKey: fileKey}, problem)
}

// RowPresent makes the plan depend on a row of one of the format's tables being
// there that equals where on each of its columns: for a handler that would take
// more away if it did not see the row. A nil problem has the handler called again.
func (p *Plan) RowPresent(table string, where Row, problem error) *Plan {
	return p.require(spec.RowPresent{Table: table, Where: where}, problem)
}

// JobOption changes how a job is enqueued.
type JobOption func(*spec.EnqueueJob)

// Delay has the job wait, in whole seconds.
func Delay(d time.Duration) JobOption {
	return func(j *spec.EnqueueJob) { j.Delay = d.Truncate(time.Second) }
}

// UniqueKey makes jobs of one kind and project with the same key one job while it waits.
func UniqueKey(key string) JobOption { return func(j *spec.EnqueueJob) { j.UniqueKey = key } }

// Enqueue asks for background work, in the plan's transaction. The arguments are
// encoded as JSON; the kind is one of Plugin.Jobs.
func (p *Plan) Enqueue(kind string, args any, opts ...JobOption) *Plan {
	data, err := json.Marshal(args, json.Deterministic(true))
	if err != nil {
		p.fail("arguments of job %s: %w", kind, err)
	}
	job := spec.EnqueueJob{Kind: kind, ArgsJSON: data}
	for _, opt := range opts {
		opt(&job)
	}
	p.jobs = append(p.jobs, job)
	return p
}

func (p *Plan) add(op spec.Op, problem error) *Plan {
	p.operations = append(p.operations, operation{op: op, problem: problem})
	return p
}

func (p *Plan) require(check spec.Check, problem error) *Plan {
	p.preconditions = append(p.preconditions, precondition{check: check, problem: problem})
	return p
}

func (p *Plan) fail(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("plan: "+format, args...))
}

// local names something that the plan makes. Names are counted, so that the same
// request gives the same plan.
func (p *Plan) local() spec.Local {
	p.locals++
	return spec.Local("l" + strconv.Itoa(p.locals))
}

func (p *Plan) empty() bool {
	return p == nil || len(p.preconditions)+len(p.operations)+len(p.jobs)+len(p.errs) == 0
}

// render turns the plan into the contract's form; nil for a plan that changes nothing.
func (p *Plan) render(style ErrorStyle) (*spec.Plan, error) {
	if p.empty() {
		return nil, nil // no plan is a value of its own in the contract
	}
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	out := &spec.Plan{Jobs: p.jobs, ProjectID: p.projectID}
	for _, pre := range p.preconditions {
		answer, err := renderAnswer(pre.problem, style)
		if err != nil {
			return nil, err
		}
		out.Preconditions = append(out.Preconditions, spec.Precondition{Check: pre.check, OnFailure: answer})
	}
	for _, o := range p.operations {
		answer, err := renderAnswer(o.problem, style)
		if err != nil {
			return nil, err
		}
		out.Operations = append(out.Operations, spec.Operation{Op: o.op, OnConflict: answer})
	}
	return out, nil
}

func renderAnswer(problem error, style ErrorStyle) (*spec.HTTPResponse, error) {
	if problem == nil {
		return nil, nil // no answer of its own: the core asks again
	}
	p := asProblem(problem)
	if p == nil {
		return nil, fmt.Errorf("plan: %w is no problem for the client", problem)
	}
	return p.render(style), nil
}
