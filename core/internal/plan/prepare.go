package plan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// created is what a CreatePackage comes to.
type created struct {
	id                  int64
	nameKey, versionKey string
	reused              bool
}

// prepare takes the locks, and reads under them what decides the plan, in one
// round trip. One lock for each package name, so that writers of one package
// queue, or a shared one and a lock for each version; a shared one for each blob,
// which the collector of bytes takes alone.
// Everybody takes them in the same order, so no two wait for each other.
func (r *run) prepare(ctx context.Context) error {
	var (
		failed  *spec.Precondition
		missing bool
	)
	err := r.tx.begin(ctx, func(batch *pgx.Batch) error {
		if keys, alone := r.locks(); len(keys) > 0 {
			// In the lists' order: names, then blobs.
			batch.Queue(`
				select case when alone then pg_advisory_xact_lock(k) else pg_advisory_xact_lock_shared(k) end
				from unnest($1::bigint[], $2::boolean[]) l (k, alone)`, keys, alone)
		}
		// From here on each statement sees what others did before they gave us the locks.
		r.queueStillThere(batch, &missing)
		r.queueIDs(batch)
		for i := range r.plan.Preconditions {
			if err := r.queuePrecondition(batch, &r.plan.Preconditions[i], &failed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if failed != nil {
		return refusal{failed.OnFailure}
	}
	if missing {
		return refusal{}
	}
	return r.decideCreates()
}

// queueStillThere asks whether the stored packages are there now that nobody can remove them.
func (r *run) queueStillThere(batch *pgx.Batch, missing *bool) {
	if len(r.stored) == 0 {
		return
	}
	ids := slices.Sorted(maps.Keys(r.stored))
	batch.Queue("select count(*) <> $2 from packages where id = any ($1)", ids, len(ids)).QueryRow(func(row pgx.Row) error {
		return row.Scan(missing)
	})
}

// queueIDs asks for what packages and files to make need: their ids, and
// whether a package is there or its version reserved.
func (r *run) queueIDs(batch *pgx.Batch) {
	attach := 0
	for _, o := range r.plan.Operations {
		switch o := o.Op.(type) {
		case spec.CreatePackage:
			r.queueCreated(batch, o)
		case spec.AttachFile:
			attach++
		}
	}
	switch attach {
	case 0:
		return
	case 1: // spelled so that it is planned once
		batch.Queue("select nextval('package_files_id_seq')").Query(r.collectAttached)
	default:
		batch.Queue("select nextval('package_files_id_seq') from generate_series(1, $1)", attach).Query(r.collectAttached)
	}
}

func (r *run) collectAttached(rows pgx.Rows) error {
	var err error
	r.attached, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	return err
}

func (r *run) queueCreated(batch *pgx.Batch, o spec.CreatePackage) {
	c := created{nameKey: cmp.Or(o.NameKey, o.Name), versionKey: cmp.Or(o.VersionKey, o.Version)}
	r.created[o.Local] = c
	batch.Queue(`
		select coalesce(p.id, nextval('packages_id_seq')), p.id is not null,
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
		if reserved && !c.reused && !o.TakeReserved && !r.scope.Project.AllowReuseAfterDelete {
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

const fileOfPackage = `
	select from packages p join package_files f on f.package_id = p.id
	where p.project_id = $1 and p.format = $2 and p.name_key = $3 and p.version_key = $4
	  and p.status <> 'pending_destruction' and f.file_key = $5`

func (r *run) queuePrecondition(batch *pgx.Batch, p *spec.Precondition, failed **spec.Precondition) error {
	var (
		sql  string
		args []any
	)
	switch c := p.Check.(type) {
	case spec.PackageAbsent:
		sql = `select not exists (select from packages
			where project_id = $1 and format = $2 and name_key = $3 and version_key = $4 and status <> 'pending_destruction')
			and ($5 or not exists (select from reserved_versions
			where project_id = $1 and format = $2 and name_key = $3 and version_key = $4))`
		args = []any{r.scope.Project.ID, r.scope.Format, c.Name, c.Version, r.scope.Project.AllowReuseAfterDelete}
	case spec.FileAbsent:
		sql = "select not exists (" + fileOfPackage + ")"
		args = []any{r.scope.Project.ID, r.scope.Format, c.Name, c.Version, c.FileKey}
	case spec.FilePresent:
		sql = "select exists (" + fileOfPackage + ")"
		args = []any{r.scope.Project.ID, r.scope.Format, c.Name, c.Version, c.FileKey}
	case spec.PackageUnchanged:
		sql = "select exists (select from packages where id = $1 and project_id = $2 and format = $3 and lock_version = $4)"
		args = []any{c.ID, r.scope.Project.ID, r.scope.Format, c.LockVersion}
	case spec.RowPresent:
		rows, values, err := r.rowsWhere(c.Table, c.Where)
		if err != nil {
			return err
		}
		sql, args = "select exists (select from "+rows+")", values
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
	return nil
}

// locks are all that the plan needs, in order, and which of them it needs alone:
// names, versions, blobs.
func (r *run) locks() (keys []int64, alone []bool) {
	add := func(locks []int64, exclusive bool) {
		keys = append(keys, locks...)
		for range locks {
			alone = append(alone, exclusive)
		}
	}
	names, versions := r.nameLocks()
	apart := r.versionsApart()
	add(names, !apart)
	if apart {
		add(versions, true)
	}
	add(r.blobLocks(), false)
	return keys, alone
}

// versionsApart reports whether the plan is about single versions and nothing
// that their package has in common, such as a tag: it then shares the name with
// other such plans. Those that upload to one artifact would otherwise wait for
// each other from their locks to their commit.
func (r *run) versionsApart() bool {
	if len(r.stored) > 0 {
		return false
	}
	for _, o := range r.plan.Operations {
		switch o.Op.(type) {
		case spec.CreatePackage, spec.AttachFile, spec.UpdatePackage, spec.UpsertRow: // of versions that it makes, or stored would not be empty
		default:
			return false
		}
	}
	return true
}

// nameLocks are the locks of the package names that the plan is about, and those
// of the versions.
func (r *run) nameLocks() (names, versions []int64) {
	nameKeys, versionKeys := map[string]struct{}{}, map[[2]string]struct{}{}
	for _, p := range r.stored {
		r.touched[p.nameKey] = struct{}{}
	}
	for _, o := range r.plan.Operations {
		switch o := o.Op.(type) {
		case spec.CreatePackage:
			name := cmp.Or(o.NameKey, o.Name)
			r.touched[name] = struct{}{}
			versionKeys[[2]string{name, cmp.Or(o.VersionKey, o.Version)}] = struct{}{}
		case spec.RemoveTag:
			r.touched[o.Name] = struct{}{}
		}
	}
	maps.Copy(nameKeys, r.touched)
	dependsOn := func(name, version string) {
		nameKeys[name] = struct{}{}
		versionKeys[[2]string{name, version}] = struct{}{}
	}
	for _, p := range r.plan.Preconditions {
		switch c := p.Check.(type) {
		case spec.PackageAbsent:
			dependsOn(c.Name, c.Version)
		case spec.FileAbsent:
			dependsOn(c.Name, c.Version)
		case spec.FilePresent:
			dependsOn(c.Name, c.Version)
		}
	}
	project := strconv.FormatInt(r.scope.Project.ID, 10)
	for name := range nameKeys {
		names = append(names, lockKey("package", project, r.scope.Format, name))
	}
	for v := range versionKeys {
		versions = append(versions, lockKey("version", project, r.scope.Format, v[0], v[1]))
	}
	return distinct(names), distinct(versions)
}

// blobLocks are the locks of the bytes that the plan attaches, in order.
func (r *run) blobLocks() []int64 {
	var keys []int64
	for _, o := range r.plan.Operations {
		if a, ok := o.Op.(spec.AttachFile); ok {
			keys = append(keys, blobLock(r.scope.Uploads[a.UploadHandle].Key()))
		}
	}
	return distinct(keys)
}

func blobLock(key storage.Key) int64 { return lockKey("blob", key.String()) }

// lockKey makes the number of an advisory lock. Two things that share a number
// wait for each other without need, and that is all.
func lockKey(parts ...string) int64 {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil))) //nolint:gosec // any 64 bits will do
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
		if f.Small() != nil {
			continue // comes with its row
		}
		there, err := f.Present(ctx)
		if err != nil {
			return fmt.Errorf("look for stored bytes: %w", err)
		}
		if !there {
			return fmt.Errorf("blob %s was collected: %w", f.Key(), errTryAgain)
		}
	}
	return nil
}
