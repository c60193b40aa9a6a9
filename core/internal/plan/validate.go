package plan

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// The limits of one plan.
const (
	maxOperations = 1000
	maxTouch      = 100
	maxJobs       = 100
	maxRowBytes   = 16 << 20 // of all rows, and the jobs' arguments
	maxName       = 255
	maxFileName   = 1024

	maxStatusMessage = 64 << 10
)

// validate refuses a plan that no honest plugin makes, before anything is
// touched. What it finds is the plugin's fault and so a 500; it says which
// operation, for the plugin's author.
func validate(s Scope, p *spec.Plan) error {
	v := validator{scope: s, locals: map[spec.Local]localKind{}}
	if err := v.plan(p); err != nil {
		return registry.Errorf(registry.CodeInternal, "the %s format failed", s.Format).
			Because(fmt.Errorf("plugin sent a plan that cannot be carried out: %w", err))
	}
	return nil
}

type localKind int

const (
	newPackage localKind = iota + 1
	newFile
)

type validator struct {
	scope    Scope
	locals   map[spec.Local]localKind // those an earlier operation makes
	rowBytes int
}

func (v *validator) plan(p *spec.Plan) error {
	switch {
	case p == nil:
		return errors.New("there is none")
	case v.scope.Action != spec.ActionCreatePackage && v.scope.Action != spec.ActionDestroyPackage:
		return errors.New("the route's action changes nothing")
	case v.scope.Project.ID == 0:
		return errors.New("the request is about no project")
	case len(p.Operations) > maxOperations:
		return fmt.Errorf("%d operations; at most %d", len(p.Operations), maxOperations)
	case len(p.Preconditions) > maxOperations:
		return fmt.Errorf("%d preconditions; at most %d", len(p.Preconditions), maxOperations)
	case len(p.Touch) > maxTouch:
		return fmt.Errorf("%d keys to touch; at most %d", len(p.Touch), maxTouch)
	}
	for i, o := range p.Operations {
		if err := v.operation(o.Op); err != nil {
			return fmt.Errorf("operation %d (%T): %w", i, o.Op, err)
		}
	}
	for i, c := range p.Preconditions {
		if err := v.precondition(c.Check); err != nil {
			return fmt.Errorf("precondition %d (%T): %w", i, c.Check, err)
		}
	}
	for i, key := range p.Touch {
		if err := name("key", key, maxName); err != nil {
			return fmt.Errorf("key to touch %d: %w", i, err)
		}
	}
	if err := v.jobs(p.Jobs); err != nil {
		return err
	}
	if v.rowBytes > maxRowBytes {
		return fmt.Errorf("%d bytes of rows; at most %d", v.rowBytes, maxRowBytes)
	}
	return nil
}

func (v *validator) precondition(c spec.Check) error {
	switch c := c.(type) {
	case spec.PackageAbsent:
		return identity(c.Name, c.Version)
	case spec.FileAbsent:
		return errors.Join(identity(c.Name, c.Version), name("file key", c.FileKey, maxFileName))
	case spec.FilePresent:
		return errors.Join(identity(c.Name, c.Version), name("file key", c.FileKey, maxFileName))
	case spec.PackageUnchanged:
		if c.ID <= 0 {
			return fmt.Errorf("package %d", c.ID)
		}
		return nil
	case spec.RowPresent:
		return v.where(c.Table, c.Where)
	}
	return errors.New("unknown check")
}

func identity(pkg, version string) error {
	err := name("name", pkg, maxName)
	if version != "" {
		err = errors.Join(err, name("version", version, maxName))
	}
	return err
}

func (v *validator) jobs(jobs []spec.EnqueueJob) error {
	if len(jobs) > maxJobs {
		return fmt.Errorf("%d jobs; at most %d", len(jobs), maxJobs)
	}
	for i, j := range jobs {
		err := name("kind", j.Kind, maxName)
		if j.UniqueKey != "" {
			err = errors.Join(err, name("unique key", j.UniqueKey, maxName))
		}
		if err != nil {
			return fmt.Errorf("job %d: %w", i, err)
		}
		v.rowBytes += len(j.ArgsJSON)
	}
	return nil
}

func (v *validator) operation(op spec.Op) error {
	switch o := op.(type) {
	case spec.CreatePackage:
		return v.create(o)
	case spec.UpdatePackage:
		return errors.Join(status(o.Status), statusMessage(o.StatusMessage), v.ref(o.Package))
	case spec.DestroyPackage:
		return errors.Join(v.mayDestroy(), v.ref(o.Package))
	case spec.DestroyFile:
		if o.FileID <= 0 {
			return fmt.Errorf("file %d", o.FileID)
		}
		return v.mayDestroy()
	case spec.DestroyFiles:
		return errors.Join(v.mayDestroy(), v.ref(o.Package), name("file key prefix", o.FileKeyPrefix, maxFileName))
	case spec.AttachFile:
		return v.attach(o)
	case spec.SetTag:
		return errors.Join(v.ref(o.Package), name("tag", o.Tag, maxName))
	case spec.RemoveTag:
		return errors.Join(v.mayDestroy(), name("name", o.Name, maxName), name("tag", o.Tag, maxName))
	case spec.UpsertRow:
		return v.upsert(o)
	case spec.DeleteRows:
		return v.where(o.Table, o.Where)
	}
	return errors.New("unknown operation")
}

// mayDestroy: publishing may replace and move, not take away.
func (v *validator) mayDestroy() error {
	if v.scope.Action != spec.ActionDestroyPackage {
		return errors.New("the route's action does not destroy")
	}
	return nil
}

// status refuses to hide a package from its index: a version that is to go is
// destroyed, and stays reserved.
func status(s string) error {
	if s != "" && (!registry.PackageStatus(s).Valid() || s == string(registry.StatusPendingDestruction)) {
		return fmt.Errorf("status %q", s)
	}
	return nil
}

func statusMessage(s string) error {
	if len(s) > maxStatusMessage || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return fmt.Errorf("the status message is longer than %d bytes or no text", maxStatusMessage)
	}
	return nil
}

func (v *validator) create(o spec.CreatePackage) error {
	if o.Local == "" {
		return errors.New("it has no local name")
	}
	errs := []error{v.define(o.Local, newPackage), status(o.Status), name("name", o.Name, maxName)}
	for what, s := range map[string]string{"version": o.Version, "name key": o.NameKey, "version key": o.VersionKey} {
		if s != "" {
			errs = append(errs, name(what, s, maxName))
		}
	}
	return errors.Join(errs...)
}

// define gives a local name to something new.
func (v *validator) define(l spec.Local, kind localKind) error {
	if v.locals[l] != 0 {
		return fmt.Errorf("local name %q is taken", l)
	}
	v.locals[l] = kind
	return nil
}

func (v *validator) attach(o spec.AttachFile) error {
	if _, ok := v.scope.Uploads[o.UploadHandle]; !ok {
		return errors.New("no such upload in this request")
	}
	errs := []error{v.ref(o.Package), name("file name", o.FileName, maxFileName)}
	if o.FileKey != "" {
		errs = append(errs, name("file key", o.FileKey, maxFileName))
	}
	if o.Local != "" {
		errs = append(errs, v.define(o.Local, newFile))
	}
	return errors.Join(errs...)
}

func (v *validator) ref(r spec.PackageRef) error {
	switch {
	case r.Local != "" && r.ID != 0:
		return errors.New("a package that is both new and stored")
	case r.ID < 0:
		return fmt.Errorf("package %d", r.ID)
	case r.ID == 0 && v.locals[r.Local] != newPackage:
		return fmt.Errorf("package %q is not made by this plan", r.Local)
	}
	return nil
}

func name(what, s string, most int) error {
	switch {
	case s == "":
		return fmt.Errorf("%s is empty", what)
	case len(s) > most:
		return fmt.Errorf("%s is longer than %d bytes", what, most)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s is not UTF-8", what)
	}
	for _, c := range s {
		if c < ' ' || c == 0x7f {
			return fmt.Errorf("%s has a control character", what)
		}
	}
	return nil
}
