-- Switches of formats' routes, as operators have set them: for a project, for a
-- group and all below it, or (neither) for the whole instance. What is not here
-- is as the configuration says.
create table feature_flags (
    id bigint generated always as identity primary key,
    -- "npm", "npm/publish", or the name that a format's routes declare.
    name text not null check (length(name) between 1 and 100),
    group_id bigint references groups (id) on delete cascade,
    project_id bigint references projects (id) on delete cascade,
    enabled boolean not null,
    updated_at timestamptz not null default now(),
    check (num_nonnulls(group_id, project_id) <= 1),
    unique nulls not distinct (name, group_id, project_id)
);
create index feature_flags_of_group on feature_flags (group_id) where group_id is not null;
create index feature_flags_of_project on feature_flags (project_id) where project_id is not null;
