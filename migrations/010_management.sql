-- What the management API decides: archived projects, roles that end, and
-- settings of a project's own.

alter table projects add column archived boolean not null default false;

-- The first day, in UTC, on which a role is none any more; null: it lasts.
alter table memberships add column expires_at date;

-- Null: as the nearest group above says that says anything.
alter table groups alter column allow_reuse_after_delete drop default;
-- squawk-ignore ban-drop-not-null
alter table groups alter column allow_reuse_after_delete drop not null;
update groups set allow_reuse_after_delete = null where not allow_reuse_after_delete;
alter table projects alter column allow_reuse_after_delete drop default;
-- squawk-ignore ban-drop-not-null
alter table projects alter column allow_reuse_after_delete drop not null;
update projects set allow_reuse_after_delete = null where not allow_reuse_after_delete;

-- Decisions of groups, and now of projects: the nearest one that decides anything
-- about a format decides everything.
alter table package_settings drop constraint package_settings_pkey;
-- squawk-ignore ban-drop-not-null
alter table package_settings alter column group_id drop not null;
-- A registry starts on this before it serves: nobody waits for the locks, and there are few rows.
-- squawk-ignore adding-serial-primary-key-field, adding-field-with-default
alter table package_settings add column id bigint generated always as identity primary key;
-- squawk-ignore adding-foreign-key-constraint
alter table package_settings add column project_id bigint references projects (id) on delete cascade;
-- In bytes; 0: what the registry or the format allows.
alter table package_settings add column max_file_size bigint not null default 0;
-- squawk-ignore constraint-missing-not-valid
alter table package_settings add constraint package_settings_of check (num_nonnulls(group_id, project_id) = 1 and max_file_size >= 0);
-- squawk-ignore require-concurrent-index-creation
create unique index package_settings_group on package_settings (group_id, format) where group_id is not null;
-- squawk-ignore require-concurrent-index-creation
create unique index package_settings_project on package_settings (project_id, format) where project_id is not null;
