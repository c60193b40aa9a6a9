package plan

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// run is one try at a plan.
type run struct {
	executor *Executor
	scope    Scope
	plan     *spec.Plan
	tx       pgx.Tx
	intent   uuid.UUID

	stored     map[int64]stored // packages the plan refers to by id
	fileOwners map[int64]int64  // files it destroys → their packages
	created    map[spec.Local]created
	packageIDs map[spec.Local]int64
	fileIDs    map[spec.Local]int64
	attached   []int64 // ids for AttachFile operations, in order
	touched    map[string]struct{}
}

// stored is a package that was there before.
type stored struct {
	id                                         int64
	name, version, nameKey, versionKey, status string
	lockVersion                                int64
}

// created is what a CreatePackage comes to.
type created struct {
	id                  int64
	nameKey, versionKey string
	reused              bool
}

func (r *run) all(ctx context.Context, also func(context.Context, pgx.Tx) error) error {
	r.stored, r.fileOwners = map[int64]stored{}, map[int64]int64{}
	r.created, r.packageIDs, r.fileIDs = map[spec.Local]created{}, map[spec.Local]int64{}, map[spec.Local]int64{}
	r.touched = map[string]struct{}{}
	if err := r.lookUp(ctx); err != nil {
		return err
	}
	if err := r.lock(ctx); err != nil {
		return err
	}
	if err := r.present(ctx); err != nil {
		return err
	}
	if err := r.apply(ctx); err != nil {
		return err
	}
	for _, j := range r.plan.Jobs {
		if r.executor.jobs == nil {
			return errors.New("plan enqueues jobs, and there is no queue")
		}
		if err := r.executor.jobs.Enqueue(ctx, r.tx, r.scope.Format, r.scope.Project.ID, j); err != nil {
			return err
		}
	}
	if also != nil {
		return also(ctx, r.tx)
	}
	return nil
}

// lookUp reads the packages that the plan refers to by id, within its own
// project and format: any other id is one that does not exist. Most plans
// refer to none.
func (r *run) lookUp(ctx context.Context) error {
	ids, files := r.references()
	if len(ids)+len(files) == 0 {
		return nil
	}
	rows, err := r.tx.Query(ctx, `
		select p.id, p.name, coalesce(p.version, ''), p.name_key, p.version_key, p.status, p.lock_version, f.id
		from packages p left join package_files f on f.package_id = p.id and f.id = any ($2)
		where p.project_id = $3 and p.format = $4 and (p.id = any ($1) or f.id is not null)`,
		ids, files, r.scope.Project.ID, r.scope.Format)
	if err != nil {
		return fmt.Errorf("look up packages: %w", err)
	}
	var (
		p    stored
		file *int64
	)
	if _, err := pgx.ForEachRow(rows, []any{&p.id, &p.name, &p.version, &p.nameKey, &p.versionKey, &p.status, &p.lockVersion, &file}, func() error {
		r.stored[p.id] = p
		if file != nil {
			r.fileOwners[*file] = p.id
		}
		return nil
	}); err != nil {
		return fmt.Errorf("look up packages: %w", err)
	}
	for _, id := range ids {
		if _, ok := r.stored[id]; !ok {
			return refusal{} // it went away since the plugin saw it
		}
	}
	for _, id := range files {
		if _, ok := r.fileOwners[id]; !ok {
			return refusal{}
		}
	}
	return nil
}

func (r *run) references() (packages, files []int64) {
	for _, o := range r.plan.Operations {
		switch o := o.Op.(type) {
		case spec.UpdatePackage:
			packages = append(packages, o.Package.ID)
		case spec.DestroyPackage:
			packages = append(packages, o.Package.ID)
		case spec.AttachFile:
			packages = append(packages, o.Package.ID)
		case spec.SetTag:
			packages = append(packages, o.Package.ID)
		case spec.DestroyFile:
			files = append(files, o.FileID)
		}
	}
	for _, c := range r.plan.Preconditions {
		if u, ok := c.Check.(spec.PackageUnchanged); ok {
			packages = append(packages, u.ID)
		}
	}
	slices.Sort(packages)
	packages = slices.DeleteFunc(slices.Compact(packages), func(id int64) bool { return id == 0 })
	return packages, files
}

// lock takes the locks, and reads under them what decides the plan, in one
// round trip. One lock for each package name, in the names' order, so that
// writers of one package queue and no two wait for each other; a shared one for
// each blob, which the collector of bytes takes alone.
func (r *run) lock(ctx context.Context) error {
	batch := &pgx.Batch{}
	for _, name := range r.names() {
		batch.Queue("select pg_advisory_xact_lock(hashtextextended($1, $2))", r.scope.Format+"\x1f"+name, r.scope.Project.ID)
	}
	for _, key := range r.blobs() {
		batch.Queue("select pg_advisory_xact_lock_shared(hashtextextended($1, 0))", blobLock(key))
	}
	attach := 0
	for _, o := range r.plan.Operations {
		switch o := o.Op.(type) {
		case spec.CreatePackage:
			r.queueCreated(batch, o)
		case spec.AttachFile:
			attach++
		}
	}
	if attach > 0 {
		batch.Queue("select nextval(pg_get_serial_sequence('package_files', 'id')) from generate_series(1, $1)", attach).Query(func(rows pgx.Rows) error {
			var err error
			r.attached, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		})
	}
	var failed *spec.Precondition
	for i := range r.plan.Preconditions {
		r.queuePrecondition(batch, &r.plan.Preconditions[i], &failed)
	}
	if err := r.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if failed != nil {
		return refusal{failed.OnFailure}
	}
	return r.decideCreates()
}

// queueCreated asks whether the package is there or its version reserved, and
// for an id should it be made.
func (r *run) queueCreated(batch *pgx.Batch, o spec.CreatePackage) {
	c := created{nameKey: cmp.Or(o.NameKey, o.Name), versionKey: cmp.Or(o.VersionKey, o.Version)}
	r.created[o.Local] = c
	batch.Queue(`
		select coalesce(p.id, nextval(pg_get_serial_sequence('packages', 'id'))), p.id is not null,
		       exists (select from reserved_versions v
		               where v.project_id = $1 and v.format = $2 and v.name_key = $3 and v.version_key = $4)
		from (values (1)) one
		left join packages p on p.project_id = $1 and p.format = $2 and p.name_key = $3 and p.version_key = $4
		                    and p.status <> 'pending_destruction'`,
		r.scope.Project.ID, r.scope.Format, c.nameKey, c.versionKey).QueryRow(func(row pgx.Row) error {
		var reserved bool
		if err := row.Scan(&c.id, &c.reused, &reserved); err != nil {
			return err
		}
		if reserved && !c.reused && !r.scope.Project.AllowReuseAfterDelete {
			c.id = 0 // taken, for ever
		}
		r.created[o.Local] = c
		return nil
	})
}

func (r *run) decideCreates() error {
	for _, op := range r.plan.Operations {
		o, ok := op.Op.(spec.CreatePackage)
		if !ok {
			continue
		}
		c := r.created[o.Local]
		if c.id == 0 || (c.reused && !o.Reuse) {
			return refusal{op.OnConflict}
		}
		r.packageIDs[o.Local] = c.id
	}
	return nil
}

func (r *run) queuePrecondition(batch *pgx.Batch, p *spec.Precondition, failed **spec.Precondition) {
	sql, args := "select $1::bigint <> 0", []any{int64(0)}
	switch c := p.Check.(type) {
	case spec.PackageAbsent:
		sql = `select not exists (select from packages
			where project_id = $1 and format = $2 and name_key = $3 and version_key = $4 and status <> 'pending_destruction')
			and ($5 or not exists (select from reserved_versions
			where project_id = $1 and format = $2 and name_key = $3 and version_key = $4))`
		args = []any{r.scope.Project.ID, r.scope.Format, c.Name, c.Version, r.scope.Project.AllowReuseAfterDelete}
	case spec.PackageUnchanged:
		sql = "select exists (select from packages where id = $1 and project_id = $2 and format = $3 and lock_version = $4)"
		args = []any{c.ID, r.scope.Project.ID, r.scope.Format, c.LockVersion}
	}
	batch.Queue(sql, args...).QueryRow(func(row pgx.Row) error {
		var holds bool
		if err := row.Scan(&holds); err != nil {
			return err
		}
		if !holds && *failed == nil {
			*failed = p
		}
		return nil
	})
}

// names are the package names the plan is about, sorted.
func (r *run) names() []string {
	for _, p := range r.stored {
		r.touched[p.nameKey] = struct{}{}
	}
	for _, o := range r.plan.Operations {
		switch o := o.Op.(type) {
		case spec.CreatePackage:
			r.touched[cmp.Or(o.NameKey, o.Name)] = struct{}{}
		case spec.RemoveTag:
			r.touched[o.Name] = struct{}{}
		}
	}
	for _, p := range r.plan.Preconditions {
		if c, ok := p.Check.(spec.PackageAbsent); ok {
			r.touched[c.Name] = struct{}{}
		}
	}
	return sorted(r.touched)
}

func (r *run) blobs() []string {
	keys := map[string]struct{}{}
	for _, o := range r.plan.Operations {
		if a, ok := o.Op.(spec.AttachFile); ok {
			keys[r.scope.Uploads[a.UploadHandle].Key().String()] = struct{}{}
		}
	}
	return sorted(keys)
}

func blobLock(hexKey string) string { return "blob " + hexKey }

func sorted(set map[string]struct{}) []string {
	all := make([]string, 0, len(set))
	for k := range set {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// present makes sure that the bytes are still there, now that the collector
// cannot take them any more.
func (r *run) present(ctx context.Context) error {
	for _, o := range r.plan.Operations {
		a, ok := o.Op.(spec.AttachFile)
		if !ok {
			continue
		}
		f := r.scope.Uploads[a.UploadHandle]
		there, err := f.Present(ctx)
		if err != nil {
			return fmt.Errorf("look for stored bytes: %w", err)
		}
		if !there {
			return fmt.Errorf("blob %s was collected: %w", hex.EncodeToString(keyOf(f)), errTryAgain)
		}
	}
	return nil
}

func keyOf(f File) []byte {
	key := f.Key()
	return key[:]
}
