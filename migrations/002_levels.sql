-- Groups as places to read from, and what is decided for packages per group.

-- All groups below one, and so all projects below it. Groups are few and seldom made: the lock is short.
-- squawk-ignore require-concurrent-index-creation
create index groups_ancestors on groups using gin (ancestor_ids);

-- A group's decisions for a format hold for all below it that decides nothing itself.
create table package_settings (
    group_id bigint not null references groups (id) on delete cascade,
    format text not null,
    -- False: a file that is stored already is not taken again.
    duplicates_allowed boolean not null default true,
    -- RE2; a name or version that fits is the exception from duplicates_allowed.
    duplicate_exception_regex text not null default '' check (length(duplicate_exception_regex) <= 255),
    -- How many builds of a snapshot are kept; 0: all. A number of files, never an id.
    -- squawk-ignore prefer-bigint-over-int
    keep_snapshots integer not null default 0 check (keep_snapshots >= 0),
    updated_at timestamptz not null default now(),
    primary key (group_id, format)
);
