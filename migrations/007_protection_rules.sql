-- Which packages of a project take more than the usual role to publish or delete.
create table package_protection_rules (
    id bigint generated always as identity primary key,
    project_id bigint not null references projects (id) on delete cascade,
    -- A format's name, whether its plugin is enabled or not.
    package_type text not null,
    -- "*" is any text, everything else itself; compared without case.
    package_name_pattern text not null check (length(package_name_pattern) between 1 and 255),
    -- Maintainer 40, Owner 50, administrators alone 60; null: the usual role.
    minimum_access_level_for_push smallint check (minimum_access_level_for_push in (40, 50, 60)),
    minimum_access_level_for_delete smallint check (minimum_access_level_for_delete in (50, 60)),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (project_id, package_type, package_name_pattern),
    check (num_nonnulls(minimum_access_level_for_push, minimum_access_level_for_delete) >= 1)
);
