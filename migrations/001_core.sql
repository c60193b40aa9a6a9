-- The generic model: every package belongs to a project, every file to a package.
-- What only one format needs lives in that format's own schema.

create table instance (
    singleton boolean primary key default true check (singleton),
    -- Names the roles of the formats: roles are shared by all databases of a server.
    id uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now()
);
insert into instance default values;

create table users (
    id bigint generated always as identity primary key,
    username text not null check (length(username) between 1 and 255),
    name text not null default '',
    -- argon2id in PHC form; null: cannot sign in with a password.
    password_hash text,
    is_admin boolean not null default false,
    state text not null default 'active' check (state in ('active', 'blocked')),
    created_at timestamptz not null default now()
);
create unique index users_username on users (lower(username));

create table groups (
    id bigint generated always as identity primary key,
    parent_id bigint references groups (id),
    path text not null,
    full_path text not null,
    name text not null,
    visibility text not null default 'private' check (visibility in ('private', 'internal', 'public')),
    -- From the root down to the group itself.
    ancestor_ids bigint[] not null default '{}',
    allow_reuse_after_delete boolean not null default false,
    created_at timestamptz not null default now()
);
-- Paths are looked up without case; users, groups and projects do not share this index yet.
create unique index groups_full_path on groups (lower(full_path));
create index groups_parent on groups (parent_id);

create table projects (
    id bigint generated always as identity primary key,
    group_id bigint not null references groups (id),
    path text not null,
    full_path text not null,
    name text not null,
    visibility text not null default 'private' check (visibility in ('private', 'internal', 'public')),
    -- GitLab's package_registry_access_level; "public": anyone may pull, whatever the visibility.
    package_access_level text not null default 'enabled'
        check (package_access_level in ('disabled', 'private', 'enabled', 'public')),
    allow_reuse_after_delete boolean not null default false,
    created_at timestamptz not null default now()
);
create unique index projects_full_path on projects (lower(full_path));
create index projects_group on projects (group_id);

create table memberships (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id) on delete cascade,
    group_id bigint references groups (id) on delete cascade,
    project_id bigint references projects (id) on delete cascade,
    -- Guest 10, Planner 15, Reporter 20, Developer 30, Maintainer 40, Owner 50.
    access_level smallint not null check (access_level in (10, 15, 20, 30, 40, 50)),
    created_at timestamptz not null default now(),
    check (num_nonnulls(group_id, project_id) = 1)
);
create unique index memberships_group on memberships (user_id, group_id) where group_id is not null;
create unique index memberships_project on memberships (user_id, project_id) where project_id is not null;
create index memberships_of_group on memberships (group_id);
create index memberships_of_project on memberships (project_id);

create table tokens (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('personal', 'deploy')),
    -- sha256 of the token; the token itself is shown once and never stored.
    digest bytea not null unique check (length(digest) = 32),
    name text not null default '',
    -- A personal token acts as its user.
    user_id bigint references users (id) on delete cascade,
    -- A deploy token belongs to one project or one group, and has a user name of its own.
    project_id bigint references projects (id) on delete cascade,
    group_id bigint references groups (id) on delete cascade,
    username text,
    -- api, read_api; read_package_registry, write_package_registry.
    scopes text[] not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null default now(),
    check (
        (kind = 'personal' and user_id is not null and num_nonnulls(project_id, group_id) = 0)
        or (kind = 'deploy' and user_id is null and username is not null and num_nonnulls(project_id, group_id) = 1)
    )
);
create index tokens_user on tokens (user_id);
create index tokens_project on tokens (project_id);
create index tokens_group on tokens (group_id);

-- A sign-in in the browser on behalf of a package client.
create table web_logins (
    -- sha256 of the id that the page's URL carries, and of the one that the client polls with.
    page_digest bytea primary key,
    poll_digest bytea not null unique,
    name text not null,
    expires_at timestamptz not null,
    -- Who has signed in, and the bounds of the credential they did it with.
    user_id bigint references users (id) on delete cascade,
    scopes text[] not null default '{}',
    credential_expires_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz not null default now()
);

create table packages (
    id bigint generated always as identity primary key,
    project_id bigint not null references projects (id) on delete cascade,
    format text not null,
    name text not null check (length(name) between 1 and 255),
    -- Null for a package without a version.
    version text check (length(version) between 1 and 255),
    -- The format's normalised forms; what two publishers compete for.
    name_key text collate "C" not null,
    version_key text collate "C" not null,
    status text not null default 'default'
        check (status in ('default', 'hidden', 'processing', 'error', 'pending_destruction', 'deprecated')),
    status_message text not null default '',
    creator_user_id bigint references users (id) on delete set null,
    lock_version bigint not null default 1,
    last_downloaded_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- For the composite foreign keys of metadata tables: a row cannot point into another project.
    unique (project_id, id)
);
-- This index is what stops two publishers of one version.
create unique index packages_identity on packages (project_id, format, name_key, version_key)
    where status <> 'pending_destruction';

-- A published name and version is never given to other bytes: the row outlives the package.
create table reserved_versions (
    project_id bigint not null references projects (id) on delete cascade,
    format text not null,
    name_key text collate "C" not null,
    version_key text collate "C" not null,
    destroyed_at timestamptz not null default now(),
    primary key (project_id, format, name_key, version_key)
);

create table blobs (
    -- Content is stored once, under its sha256.
    sha256 bytea primary key check (length(sha256) = 32),
    size bigint not null check (size >= 0),
    created_at timestamptz not null default now()
);

create table package_files (
    id bigint generated always as identity primary key,
    project_id bigint not null,
    package_id bigint not null,
    file_name text not null check (length(file_name) between 1 and 1024),
    -- The file's identity within its package; the file name unless the format gave another.
    file_key text collate "C" not null,
    size bigint not null,
    sha256 bytea not null references blobs (sha256),
    md5 bytea,
    sha1 bytea,
    sha512 bytea,
    created_at timestamptz not null default now(),
    unique (package_id, file_key),
    unique (project_id, id),
    foreign key (project_id, package_id) references packages (project_id, id) on delete cascade
);
create index package_files_blob on package_files (sha256);
create index package_files_name on package_files (package_id, file_name);

create table package_tags (
    id bigint generated always as identity primary key,
    project_id bigint not null,
    package_id bigint not null,
    format text not null,
    name_key text collate "C" not null,
    name text not null check (length(name) between 1 and 255),
    -- A shared tag may stand on any number of versions; any other on one version of its package name.
    shared boolean not null default false,
    updated_at timestamptz not null default now(),
    unique (package_id, name),
    foreign key (project_id, package_id) references packages (project_id, id) on delete cascade
);
create unique index package_tags_exclusive on package_tags (project_id, format, name_key, name) where not shared;

-- Written by a plan's transaction, and so the answer to a COMMIT whose outcome was lost.
create table intents (
    id uuid primary key,
    -- Written instead by who asked for the answer: the transaction can never commit now.
    void boolean not null default false,
    created_at timestamptz not null default now()
);
create index intents_created on intents (created_at);

-- What cached answers depend on. A generation is never used twice, so an entity
-- tag made from it never stands for two documents.
create sequence cache_generation;
create table cache_generations (
    project_id bigint not null references projects (id) on delete cascade,
    format text not null,
    key text collate "C" not null,
    generation bigint not null default nextval('cache_generation'),
    primary key (project_id, format, key)
);

-- The outbox: written by the transaction that did the thing.
create table events (
    id bigint generated always as identity primary key,
    type text not null,
    project_id bigint not null references projects (id) on delete cascade,
    format text not null,
    package jsonb not null,
    actor jsonb not null,
    request_id text not null default '',
    created_at timestamptz not null default now()
);
create index events_project on events (project_id, id);

-- What the statements of formats may read of the generic model: the projects that the core has set.
create schema core_api;
create view core_api.packages with (security_barrier) as
    select id, project_id, format, name, version, name_key, version_key, status, created_at, updated_at
    from public.packages
    where project_id = any (current_setting('pakhus.project_ids')::bigint[])
      and format = current_setting('pakhus.format');
create view core_api.package_files with (security_barrier) as
    select f.id, f.project_id, f.package_id, f.file_name, f.file_key, f.size, f.sha256, f.sha1, f.md5, f.sha512, f.created_at
    from public.package_files f
    join public.packages p on p.id = f.package_id
    where p.project_id = any (current_setting('pakhus.project_ids')::bigint[])
      and p.format = current_setting('pakhus.format');
create view core_api.package_tags with (security_barrier) as
    select package_id, project_id, name, updated_at
    from public.package_tags
    where project_id = any (current_setting('pakhus.project_ids')::bigint[])
      and format = current_setting('pakhus.format');
