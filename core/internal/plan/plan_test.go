package plan_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	e := setup(t)
	r := e.commit(t, e.scope(e.file(t, "u", "bytes")), publishing("lodash", "1.0.0")...)

	if r.PackageIDs["p"] == 0 || r.FileIDs["f"] == 0 {
		t.Fatalf("ids are %v and %v", r.PackageIDs, r.FileIDs)
	}
	e.want(t, "lodash 1.0.0 default 1", "select concat_ws(' ', name_key, version_key, status, lock_version) from packages where id = $1", r.PackageIDs["p"])
	e.want(t, "lodash-1.0.0.tgz 5 t t", "select concat_ws(' ', file_key, size, length(sha512) = 64, md5 is null) from package_files where id = $1", r.FileIDs["f"])
	e.want(t, "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9 5", "select encode(sha256, 'hex') || ' ' || size from blobs")
	e.want(t, "lodash@1.0.0 7", "select name || ' ' || size from fmt_demo.manifests where package_id = $1", r.PackageIDs["p"])
	e.want(t, `\x0102`, "select value::text from fmt_demo.checksums where package_file_id = $1", r.FileIDs["f"])
	e.want(t, "latest false", "select name || ' ' || shared from package_tags where package_id = $1", r.PackageIDs["p"])
	e.want(t, "package.created,package_file.attached", "select string_agg(change ->> 'type', ',') from audit_events, jsonb_array_elements(details -> 'changes') change")
	e.want(t, "lodash 1.0.0 ada r-1", "select concat_ws(' ', package_name, package_version, actor_username, request_id) from audit_events")
	e.want(t, "1", "select count(*) from cache_generations where key = 'lodash'")
	e.want(t, "1", "select count(*) from intents where not void")
}

func TestAVersionIsPublishedOnce(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.publish(t, "a", "1.0.0")
	before := e.ask(t, everything)

	t.Run("the plan has an answer for it", func(t *testing.T) {
		r, err := e.exec.Commit(t.Context(), e.scope(e.file(t, "u", "other")), operations(publishing("a", "1.0.0")...))
		if err != nil || r.State != plan.Refused || r.Refusal.Status != 403 {
			t.Errorf("result is %+v, %v", r, err)
		}
	})
	t.Run("the plan has none", func(t *testing.T) {
		p := operations(publishing("a", "1.0.0")...)
		p.Operations[0].OnConflict = nil
		r, err := e.exec.Commit(t.Context(), e.scope(e.file(t, "u", "other")), p)
		if err != nil || r.State != plan.AskAgain {
			t.Errorf("result is %+v, %v", r, err)
		}
	})
	t.Run("under another name with the same keys", func(t *testing.T) {
		r, err := e.exec.Commit(t.Context(), e.scope(), operations(
			spec.CreatePackage{Local: "p", Name: "A", NameKey: "a", Version: "v1.0.0", VersionKey: "1.0.0"}))
		if err != nil || r.State != plan.Refused {
			t.Errorf("result is %+v, %v", r, err)
		}
	})
	t.Run("nothing has changed", func(t *testing.T) { e.want(t, before, everything) })
	t.Run("another format's is another package", func(t *testing.T) {
		s := e.scope()
		s.Format = "other"
		e.commit(t, s, spec.CreatePackage{Local: "p", Name: "a", Version: "1.0.0"})
	})
}

func TestManyPublishersOfOneVersion(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for round := range 5 {
		version := strconv.Itoa(round)
		states := make([]plan.State, 8)
		var publishers sync.WaitGroup
		for i := range states {
			s := e.scope(e.file(t, "u", version+" by "+strconv.Itoa(i)))
			publishers.Go(func() {
				r, err := e.exec.Commit(t.Context(), s, operations(publishing("a", version)...))
				if err != nil {
					t.Error(err)
				}
				states[i] = r.State
			})
		}
		publishers.Wait()
		count := map[plan.State]int{}
		for _, s := range states {
			count[s]++
		}
		if count[plan.Committed] != 1 || count[plan.Refused] != len(states)-1 {
			t.Errorf("states are %v, want one Committed and the rest Refused", count)
		}
	}
	e.want(t, "5 5 5", "select concat_ws(' ', count(*), count(distinct p.version), (select count(*) from package_files)) from packages p")
}

// TestVersionsOfOnePackage holds what a plan about version 1 holds, and carries out others.
func TestVersionsOfOnePackage(t *testing.T) {
	t.Parallel()
	e := setup(t)
	tx, err := e.db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	project := strconv.FormatInt(e.project.ID, 10)
	if _, err := tx.Exec(t.Context(), "select pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock($2)",
		plan.LockKey("package", project, "demo", "a"), plan.LockKey("version", project, "demo", "a", "1")); err != nil {
		t.Fatal(err)
	}
	create := func(version string) spec.CreatePackage {
		return spec.CreatePackage{Local: "p", Name: "a", Version: version}
	}
	e.commit(t, e.scope(), create("2")) // does not wait

	var waiting sync.WaitGroup
	for _, ops := range [][]spec.Op{
		{create("1")},
		{create("3"), spec.SetTag{Package: spec.PackageRef{Local: "p"}, Tag: "latest"}},
	} {
		waiting.Go(func() {
			if r, err := e.exec.Commit(t.Context(), e.scope(), operations(ops...)); err != nil || r.State != plan.Committed {
				t.Errorf("result is %+v, %v", r, err)
			}
		})
	}
	waitFor(t, e, "select count(*) = 2 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())")
	e.want(t, "2", "select string_agg(version, ' ') from packages")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	e.want(t, "1 2 3", "select string_agg(version, ' ' order by version) from packages")
}

// Without the lock on the name, the index alone decides.
func TestARaceThatOnlyTheIndexSees(t *testing.T) {
	t.Parallel()
	e := setup(t)
	inside, go_ := make(chan struct{}), make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() {
		tx, err := e.db.Pool.Begin(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		if _, err := tx.Exec(t.Context(), "insert into packages (project_id, format, name, version, name_key, version_key) values ($1, 'demo', 'a', '1', 'a', '1')", e.project.ID); err != nil {
			t.Error(err)
		}
		close(inside)
		<-go_
		if err := tx.Commit(t.Context()); err != nil {
			t.Error(err)
		}
	})
	<-inside
	var r plan.Result
	var err error
	other.Go(func() {
		r, err = e.exec.Commit(t.Context(), e.scope(e.file(t, "u", "x")), operations(publishing("a", "1")...))
	})
	waitFor(t, e, "select count(*) > 0 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
	close(go_)
	other.Wait()
	if err != nil || r.State != plan.Refused {
		t.Errorf("result is %+v, %v", r, err)
	}
	e.want(t, "1 0", "select concat_ws(' ', (select count(*) from packages), (select count(*) from package_files))")
}

// waitFor asks until the answer is true.
func waitFor(t *testing.T, e *env, sql string) {
	t.Helper()
	for e.ask(t, sql) != "true" {
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
	}
}

func TestDestroy(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.publish(t, "a", "1")
	generation := e.ask(t, "select generation from cache_generations where key = 'a'")
	e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: id}})

	e.want(t, "0 0 0 0 0", `select concat_ws(' ', (select count(*) from packages), (select count(*) from package_files), (select count(*) from package_tags),
		(select count(*) from fmt_demo.manifests), (select count(*) from fmt_demo.checksums))`)
	e.want(t, "a 1", "select package_name || ' ' || package_version from "+changed("package.destroyed"))
	if e.ask(t, "select generation from cache_generations where key = 'a'") == generation {
		t.Error("the answers made from the package have not ended")
	}
	r, err := e.exec.Commit(t.Context(), e.scope(e.file(t, "u", "new bytes")), operations(publishing("a", "1")...))
	if err != nil || r.State != plan.Refused {
		t.Errorf("a reserved version: result is %+v, %v", r, err)
	}
	e.project.AllowReuseAfterDelete = true
	e.publish(t, "a", "1")
	t.Run("what is gone cannot go again", func(t *testing.T) {
		r, err := e.exec.Commit(t.Context(), e.scope(), operations(spec.DestroyPackage{Package: spec.PackageRef{ID: id}}))
		if err != nil || r.State != plan.AskAgain {
			t.Errorf("result is %+v, %v", r, err)
		}
	})
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.publish(t, "a", "1")
	gone := e.publish(t, "a", "0")
	e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: gone}})
	for name, c := range map[string]struct {
		check spec.Check
		want  plan.State
	}{
		"absent":                 {spec.PackageAbsent{Name: "a", Version: "2"}, plan.Committed},
		"absent, no version":     {spec.PackageAbsent{Name: "a"}, plan.Committed},
		"present":                {spec.PackageAbsent{Name: "a", Version: "1"}, plan.Refused},
		"reserved":               {spec.PackageAbsent{Name: "a", Version: "0"}, plan.Refused},
		"unchanged":              {spec.PackageUnchanged{ID: id, LockVersion: 1}, plan.Committed},
		"changed":                {spec.PackageUnchanged{ID: id, LockVersion: 2}, plan.Refused},
		"file absent":            {spec.FileAbsent{Name: "a", Version: "1", FileKey: "none"}, plan.Committed},
		"file of no package":     {spec.FileAbsent{Name: "none", Version: "1", FileKey: "a-1.tgz"}, plan.Committed},
		"file present":           {spec.FileAbsent{Name: "a", Version: "1", FileKey: "a-1.tgz"}, plan.Refused},
		"file there":             {spec.FilePresent{Name: "a", Version: "1", FileKey: "a-1.tgz"}, plan.Committed},
		"file not there":         {spec.FilePresent{Name: "a", Version: "1", FileKey: "none"}, plan.Refused},
		"no package of the file": {spec.FilePresent{Name: "none", Version: "1", FileKey: "a-1.tgz"}, plan.Refused},
		"row":                    {spec.RowPresent{Table: "manifests", Where: spec.Row{"package_id": id}}, plan.Committed},
		"no such row":            {spec.RowPresent{Table: "manifests", Where: spec.Row{"package_id": id, "name": "other"}}, plan.Refused},
		"gone since it was read": {spec.PackageUnchanged{ID: gone, LockVersion: 1}, plan.AskAgain},
	} {
		t.Run(name, func(t *testing.T) {
			p := &spec.Plan{Preconditions: []spec.Precondition{{Check: c.check, OnFailure: taken()}}, Touch: []string{"index"}}
			r, err := e.exec.Commit(t.Context(), e.scope(), p)
			if err != nil || r.State != c.want {
				t.Errorf("result is %+v, %v, want state %d", r, err, c.want)
			}
		})
	}
	t.Run("without an answer the plugin is asked again", func(t *testing.T) {
		p := &spec.Plan{Preconditions: []spec.Precondition{{Check: spec.PackageAbsent{Name: "a", Version: "1"}}}}
		if r, err := e.exec.Commit(t.Context(), e.scope(), p); err != nil || r.State != plan.AskAgain {
			t.Errorf("result is %+v, %v", r, err)
		}
	})
}

func TestTags(t *testing.T) {
	t.Parallel()
	e := setup(t)
	one, two := e.publish(t, "a", "1"), e.publish(t, "a", "2")
	b := e.publish(t, "b", "1")
	where := "select string_agg(p.name || p.version || t.name, ' ' order by p.id, t.name) from package_tags t join packages p on p.id = t.package_id"
	ref := func(id int64) spec.PackageRef { return spec.PackageRef{ID: id} }

	e.want(t, "a2latest b1latest", where)
	e.commit(t, e.scope(), spec.SetTag{Package: ref(one), Tag: "latest"})
	e.want(t, "a1latest b1latest", where)
	e.commit(t, e.scope(), spec.SetTag{Package: ref(one), Tag: "latest"}, spec.SetTag{Package: ref(two), Tag: "latest", KeepExisting: true})
	e.want(t, "a1latest b1latest", where)
	e.commit(t, e.scope(), spec.SetTag{Package: ref(one), Tag: "x", Shared: true}, spec.SetTag{Package: ref(two), Tag: "x", Shared: true}, spec.SetTag{Package: ref(two), Tag: "x", Shared: true})
	e.want(t, "a1latest a1x a2x b1latest", where)
	e.commit(t, e.scope(), spec.RemoveTag{Name: "a", Tag: "x"}, spec.RemoveTag{Name: "a", Tag: "latest"})
	e.want(t, "b1latest", where)
	if r, err := e.exec.Commit(t.Context(), e.scope(), operations(spec.RemoveTag{Name: "a", Tag: "latest"})); err != nil || r.State != plan.Refused {
		t.Errorf("a tag that is not there: result is %+v, %v", r, err)
	}
	e.want(t, "true", "select lock_version = 1 and count(*) = 1 from packages where id = $1 group by lock_version", b)
}

func TestFiles(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.publish(t, "a", "1")
	attach := spec.AttachFile{Package: spec.PackageRef{ID: id}, UploadHandle: "u", FileName: "a-1.tgz", Local: "new"}

	r, err := e.exec.Commit(t.Context(), e.scope(e.file(t, "u", "other")), operations(attach))
	if err != nil || r.State != plan.Refused {
		t.Errorf("a file of that name: result is %+v, %v", r, err)
	}
	attach.FileKey = "other key"
	e.commit(t, e.scope(e.file(t, "u", "second")), attach)
	attach.FileKey, attach.Replace = "", true
	replaced := e.commit(t, e.scope(e.file(t, "u", "third")), attach)
	e.want(t, "5 6", "select string_agg(size::text, ' ' order by file_key) from package_files")
	e.want(t, "3", "select lock_version from packages")
	e.commit(t, e.scope(), spec.DestroyFile{FileID: replaced.FileIDs["new"]})
	e.want(t, "6", "select string_agg(size::text, ' ' order by file_key) from package_files")
	e.want(t, "package_file.destroyed a-1.tgz", "select concat_ws(' ', change ->> 'type', change ->> 'file') from audit_events, jsonb_array_elements(details -> 'changes') change order by id desc limit 1")
	if r, err := e.exec.Commit(t.Context(), e.scope(), operations(spec.DestroyFile{FileID: replaced.FileIDs["new"]})); err != nil || r.State != plan.AskAgain {
		t.Errorf("a file that is gone: result is %+v, %v", r, err)
	}
}

func TestFilesGoByTheirPrefix(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id, other := e.publish(t, "a", "1"), e.publish(t, "b", "1")
	attach := func(pkg int64, key string) {
		t.Helper()
		e.commit(t, e.scope(e.file(t, "u", key)), spec.AttachFile{Package: spec.PackageRef{ID: pkg}, UploadHandle: "u", FileName: "f", FileKey: key})
	}
	for _, key := range []string{"r1/f", "r1/g", "r1%/f", "r10/f"} {
		attach(id, key)
	}
	attach(other, "r1/f")
	e.commit(t, e.scope(), spec.DestroyFiles{Package: spec.PackageRef{ID: id}, FileKeyPrefix: "r1/"})
	left := "select string_agg(file_key, ' ' order by package_id, file_key) from package_files where file_key like 'r%'"
	e.want(t, "r1%/f r10/f r1/f", left)
	e.want(t, "package.updated", "select change ->> 'type' from audit_events, jsonb_array_elements(details -> 'changes') change order by id desc limit 1")
	e.want(t, "6", fmt.Sprintf("select lock_version from packages where id = %d", id))
	e.commit(t, e.scope(), spec.DestroyFiles{Package: spec.PackageRef{ID: id}, FileKeyPrefix: "none/"}) // is no error
	e.want(t, "r1%/f r10/f r1/f", left)
	if r, err := e.exec.Commit(t.Context(), e.scope(), operations(spec.DestroyFiles{Package: spec.PackageRef{ID: 1 << 40}, FileKeyPrefix: "r"})); err != nil || r.State != plan.AskAgain {
		t.Errorf("of a package that is gone: result is %+v, %v", r, err)
	}
}

func TestReuse(t *testing.T) {
	t.Parallel()
	e := setup(t)
	create := spec.CreatePackage{Local: "p", Name: "A", NameKey: "a", Version: "1", Reuse: true}
	first := e.commit(t, e.scope(), create)
	again := e.commit(t, e.scope(e.file(t, "u", "x")), create, spec.AttachFile{Package: spec.PackageRef{Local: "p"}, UploadHandle: "u", FileName: "x"})
	if first.PackageIDs["p"] != again.PackageIDs["p"] {
		t.Errorf("ids are %d and %d", first.PackageIDs["p"], again.PackageIDs["p"])
	}
	e.want(t, "1 2 1", "select concat_ws(' ', count(*), max(lock_version), (select count(*) from package_files)) from packages")
}

func TestStatus(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.publish(t, "a", "1")
	state := "select concat_ws(' ', status, status_message, lock_version) from packages"
	update := func(status, message string) {
		t.Helper()
		e.commit(t, e.scope(), spec.UpdatePackage{Package: spec.PackageRef{ID: id}, Status: status, StatusMessage: message})
	}
	update("deprecated", "use b")
	e.want(t, "deprecated use b 2", state)
	update("", "use c")
	e.want(t, "deprecated use c 3", state)
	update("default", "")
	e.want(t, "default  4", state)
	e.want(t, "3", "select count(*) from "+changed("package.updated"))
}

func TestRows(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.publish(t, "a", "1")
	row := func(id int64, name string, size int64) spec.UpsertRow {
		return spec.UpsertRow{Table: "manifests", Row: spec.Row{"package_id": id, "name": name, "size": size}, ConflictColumns: []string{"package_id"}}
	}
	generation := e.ask(t, "select generation from cache_generations where key = 'a'")

	t.Run("a row of a stored package changes the package", func(t *testing.T) {
		e.commit(t, e.scope(), row(id, "a", 9), row(id, "a", 10))
		e.want(t, "a 10", "select name || ' ' || size from fmt_demo.manifests")
		e.want(t, "2", "select lock_version from packages where id = $1", id)
		e.want(t, "1", "select count(*) from "+changed("package.updated"))
		if e.ask(t, "select generation from cache_generations where key = 'a'") == generation {
			t.Error("the answers made from the package have not ended")
		}
	})
	t.Run("a row of a stored file too", func(t *testing.T) {
		file, err := strconv.ParseInt(e.ask(t, "select id from package_files where package_id = $1", id), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		e.commit(t, e.scope(), spec.UpsertRow{Table: "checksums", Row: spec.Row{"package_file_id": file, "kind": "md4", "value": []byte{}}})
		e.want(t, "3", "select lock_version from packages where id = $1", id)
		e.commit(t, e.scope(), spec.DeleteRows{Table: "checksums", Where: spec.Row{"package_file_id": file}})
		e.want(t, "0", "select count(*) from fmt_demo.checksums")
		e.want(t, "4", "select lock_version from packages where id = $1", id)
	})
	t.Run("a taken key is the operation's conflict", func(t *testing.T) {
		other := e.publish(t, "b", "1")
		r, err := e.exec.Commit(t.Context(), e.scope(), operations(row(other, "a", 1)))
		if err != nil || r.State != plan.Refused {
			t.Errorf("result is %+v, %v", r, err)
		}
	})
	t.Run("deleting takes only what matches", func(t *testing.T) {
		e.commit(t, e.scope(), spec.DeleteRows{Table: "manifests", Where: spec.Row{"name": "b@1", "doc": nil}})
		e.want(t, "a", "select string_agg(name, ',') from fmt_demo.manifests")
	})
	t.Run("a value the table refuses is the plugin's fault", func(t *testing.T) {
		_, err := e.exec.Commit(t.Context(), e.scope(), operations(row(id, strings.Repeat("x", 300), 1)))
		if err == nil || !strings.Contains(err.Error(), "operation 0 (spec.UpsertRow)") {
			t.Errorf("error is %v", err)
		}
	})
}

// TestWhatIsNotTheScopes: ids of other projects and formats are ids that do not exist.
func TestWhatIsNotTheScopes(t *testing.T) {
	t.Parallel()
	e := setup(t)
	mine := e.publish(t, "a", "1")
	other := *e
	other.project = plantest.NewProject(t, e.db, "q")
	foreign := other.publish(t, "a", "1")
	s := e.scope()
	s.Format, s.Schema = "other", nil
	unlike := e.commit(t, s, spec.CreatePackage{Local: "p", Name: "a", Version: "1"}).PackageIDs["p"]
	file, err := strconv.ParseInt(e.ask(t, "select id from package_files where package_id = $1", foreign), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	before := e.ask(t, everything)

	for _, id := range []int64{foreign, unlike, 1 << 40} {
		ref := spec.PackageRef{ID: id}
		for _, op := range []spec.Op{
			spec.UpdatePackage{Package: ref, Status: "error"},
			spec.DestroyPackage{Package: ref},
			spec.AttachFile{Package: ref, UploadHandle: "u", FileName: "x"},
			spec.SetTag{Package: ref, Tag: "x"},
			spec.DestroyFile{FileID: file},
			spec.UpsertRow{Table: "manifests", Row: spec.Row{"package_id": id, "name": "x"}},
			spec.UpsertRow{Table: "checksums", Row: spec.Row{"package_file_id": file, "kind": "x", "value": []byte{}}},
			spec.DeleteRows{Table: "manifests", Where: spec.Row{"package_id": id}},
		} {
			r, err := e.exec.Commit(t.Context(), e.scope(e.file(t, "u", "x")), operations(op))
			if err != nil || r.State != plan.AskAgain {
				t.Errorf("%T of %d: result is %+v, %v", op, id, r, err)
			}
		}
	}
	e.commit(t, e.scope(), spec.DeleteRows{Table: "manifests", Where: spec.Row{"size": int64(7)}})
	e.want(t, "1", "select count(*) from fmt_demo.manifests where package_id = $1", foreign)
	e.want(t, "0", "select count(*) from fmt_demo.manifests where package_id = $1", mine)
	e.commit(t, e.scope(), spec.RemoveTag{Name: "a", Tag: "latest"})
	e.want(t, "1", "select count(*) from package_tags where package_id = $1", foreign)
	if after := e.ask(t, everything); before == after {
		t.Error("the changes that were allowed were not made")
	}
}
