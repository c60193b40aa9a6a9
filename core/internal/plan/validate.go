package plan

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// The limits of one plan.
const (
	maxOperations = 1000
	maxTouch      = 100
	maxName       = 255
	maxFileName   = 1024
)

// validate refuses a plan that no honest plugin makes. What it finds is the
// plugin's fault and so a 500; it says which operation, for the plugin's author.
func validate(s Scope, p *spec.Plan) error {
	v := validator{scope: s, packages: map[spec.Local]bool{}, files: map[spec.Local]bool{}}
	if err := v.plan(p); err != nil {
		return registry.Errorf(registry.CodeInternal, "the %s format failed", s.Format).
			Because(fmt.Errorf("plugin sent a plan that cannot be carried out: %w", err))
	}
	return nil
}

type validator struct {
	scope    Scope
	packages map[spec.Local]bool // those an earlier operation creates
	files    map[spec.Local]bool
}

func (v *validator) plan(p *spec.Plan) error {
	switch {
	case v.scope.Action != spec.ActionCreatePackage && v.scope.Action != spec.ActionDestroyPackage:
		return errors.New("the route's action changes nothing")
	case v.scope.Project.ID == 0:
		return errors.New("the request is about no project")
	case len(p.Operations) > maxOperations:
		return fmt.Errorf("%d operations; at most %d", len(p.Operations), maxOperations)
	case len(p.Touch) > maxTouch:
		return fmt.Errorf("%d keys to touch; at most %d", len(p.Touch), maxTouch)
	}
	for i, o := range p.Operations {
		if err := v.operation(o.Op); err != nil {
			return fmt.Errorf("operation %d (%T): %w", i, o.Op, err)
		}
	}
	for i, c := range p.Preconditions {
		if absent, ok := c.Check.(spec.PackageAbsent); ok {
			if err := name("name", absent.Name, maxName); err != nil {
				return fmt.Errorf("precondition %d: %w", i, err)
			}
		}
	}
	return nil
}

func (v *validator) operation(op spec.Op) error {
	switch o := op.(type) {
	case spec.CreatePackage:
		return v.create(o)
	case spec.UpdatePackage:
		if o.Status != "" && !registry.PackageStatus(o.Status).Valid() {
			return fmt.Errorf("status %q", o.Status)
		}
		return v.ref(o.Package)
	case spec.DestroyPackage:
		return errors.Join(v.mayDestroy(), v.ref(o.Package))
	case spec.DestroyFile:
		return v.mayDestroy()
	case spec.AttachFile:
		return v.attach(o)
	case spec.SetTag:
		return errors.Join(v.ref(o.Package), name("tag", o.Tag, maxName))
	case spec.RemoveTag:
		return errors.Join(v.mayDestroy(), name("name", o.Name, maxName), name("tag", o.Tag, maxName))
	case spec.UpsertRow:
		return v.upsert(o)
	case spec.DeleteRows:
		return v.deleteRows(o)
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

func (v *validator) create(o spec.CreatePackage) error {
	if o.Local == "" || v.packages[o.Local] {
		return fmt.Errorf("local name %q is empty or taken", o.Local)
	}
	v.packages[o.Local] = true
	if o.Status != "" && !registry.PackageStatus(o.Status).Valid() {
		return fmt.Errorf("status %q", o.Status)
	}
	errs := []error{name("name", o.Name, maxName)}
	for what, s := range map[string]string{"version": o.Version, "name key": o.NameKey, "version key": o.VersionKey} {
		if s != "" {
			errs = append(errs, name(what, s, maxName))
		}
	}
	return errors.Join(errs...)
}

func (v *validator) attach(o spec.AttachFile) error {
	if _, ok := v.scope.Uploads[o.UploadHandle]; !ok {
		return errors.New("no such upload in this request")
	}
	if o.Local != "" {
		if v.files[o.Local] || v.packages[o.Local] {
			return fmt.Errorf("local name %q is taken", o.Local)
		}
		v.files[o.Local] = true
	}
	err := errors.Join(v.ref(o.Package), name("file name", o.FileName, maxFileName))
	if o.FileKey != "" {
		err = errors.Join(err, name("file key", o.FileKey, maxFileName))
	}
	return err
}

func (v *validator) upsert(o spec.UpsertRow) error {
	table, err := v.scope.Schema.Table(o.Table)
	if err != nil {
		return err
	}
	if !table.Has("package_id") && !table.Has("package_file_id") {
		return fmt.Errorf("table %s belongs to nothing", o.Table)
	}
	for column, value := range o.Row {
		if column == "project_id" {
			return errors.New("project_id is the core's to fill")
		}
		if local, ok := value.(spec.Local); ok {
			if !v.packages[local] && !v.files[local] {
				return fmt.Errorf("column %s: %q is not made by this plan", column, local)
			}
			continue
		}
		if _, err := table.Argument(column, value); err != nil {
			return err
		}
	}
	_, err = table.Columns(o.ConflictColumns)
	return err
}

func (v *validator) deleteRows(o spec.DeleteRows) error {
	table, err := v.scope.Schema.Table(o.Table)
	if err != nil {
		return err
	}
	if len(o.Where) == 0 {
		return errors.New("no condition: it would delete all rows of the project")
	}
	for column, value := range o.Where {
		if _, err := table.Argument(column, value); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) ref(r spec.PackageRef) error {
	if r.Local != "" && r.ID != 0 {
		return errors.New("a package that is both new and stored")
	}
	if r.ID == 0 && !v.packages[r.Local] {
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
