-- Job tokens: a CI job shows the ID token of its issuer, and gets a token for a
-- short while as the bot of the rule that the ID token matches.
create table trusted_publishers (
    id bigint generated always as identity primary key,
    project_id bigint not null references projects (id) on delete cascade,
    name text not null check (length(name) between 1 and 255),
    -- The issuer's URL, as the token's "iss" has it.
    issuer text not null,
    -- "*" stands for any text, here and in the claims' values.
    subject text not null check (length(subject) between 1 and 1024),
    claims jsonb not null default '{}' check (jsonb_typeof(claims) = 'object'),
    -- Empty: whatever the environment.
    environment text not null default '',
    access_level bigint not null check (access_level in (30, 40)),
    bot_id bigint not null references users (id) on delete cascade,
    -- Who made the rule; null: they are gone, or it was made by command.
    created_by_id bigint references users (id) on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index trusted_publishers_project on trusted_publishers (project_id);
create index trusted_publishers_bot on trusted_publishers (bot_id);
create index trusted_publishers_created_by on trusted_publishers (created_by_id);

-- Runs of CI, as their ID tokens tell of them: GitLab's pipelines.
create table build_infos (
    id bigint generated always as identity primary key,
    project_id bigint not null references projects (id) on delete cascade,
    -- github, gitlab, generic
    provider text not null,
    issuer text not null,
    -- What tells runs of one issuer apart: its number there, or that of the token.
    run_key text not null,
    run_id text not null default '',
    run_number bigint not null default 0,
    run_url text not null default '',
    repository text not null default '',
    ref text not null default '',
    sha text not null default '',
    workflow text not null default '',
    actor text not null default '',
    event text not null default '',
    environment text not null default '',
    -- The bot of the rule that the run was first let in by.
    user_id bigint references users (id) on delete set null,
    created_at timestamptz not null default now(),
    unique (project_id, issuer, run_key)
);
create index build_infos_user on build_infos (user_id);

create table package_build_infos (
    id bigint generated always as identity primary key,
    project_id bigint not null,
    package_id bigint not null,
    -- Perhaps of another project, whose jobs publish here.
    build_info_id bigint not null references build_infos (id) on delete cascade,
    unique (package_id, build_info_id),
    foreign key (project_id, package_id) references packages (project_id, id) on delete cascade
);
create index package_build_infos_build on package_build_infos (build_info_id);

create table package_file_build_infos (
    id bigint generated always as identity primary key,
    project_id bigint not null,
    package_file_id bigint not null,
    build_info_id bigint not null references build_infos (id) on delete cascade,
    unique (package_file_id, build_info_id),
    foreign key (project_id, package_file_id) references package_files (project_id, id) on delete cascade
);
create index package_file_build_infos_build on package_file_build_infos (build_info_id);

-- A job's token goes with its rule.
alter table tokens add column publisher_id bigint;
alter table tokens add column build_info_id bigint;
-- A registry starts on this before it serves: nobody waits for the locks.
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table tokens add constraint tokens_publisher foreign key (publisher_id) references trusted_publishers (id) on delete cascade;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table tokens add constraint tokens_build_info foreign key (build_info_id) references build_infos (id) on delete set null;
-- squawk-ignore require-concurrent-index-creation
create index tokens_of_publisher on tokens (publisher_id) where publisher_id is not null;
-- squawk-ignore require-concurrent-index-creation
create index tokens_of_build on tokens (build_info_id) where build_info_id is not null;
alter table tokens drop constraint tokens_kind;
-- squawk-ignore constraint-missing-not-valid
alter table tokens add constraint tokens_kind check (
    (kind = 'personal' and user_id is not null and num_nonnulls(project_id, group_id) = 0)
    or (kind = 'project_access' and user_id is not null and project_id is not null and group_id is null)
    or (kind = 'group_access' and user_id is not null and group_id is not null and project_id is null)
    or (kind = 'deploy' and user_id is null and username is not null and num_nonnulls(project_id, group_id) = 1)
    or (
        kind = 'job' and user_id is not null and project_id is not null and group_id is null
        and publisher_id is not null and expires_at is not null
    )
    or (kind = 'oauth' and user_id is not null and num_nonnulls(project_id, group_id) = 0 and num_nonnulls(oauth_grant_id, parent_id) = 1)
);

-- ID tokens that were used, for as long as they would be good.
create table oidc_replays (
    issuer text not null,
    -- The token's "jti", or its sha256 where it has none.
    token_key text not null,
    expires_at timestamptz not null,
    primary key (issuer, token_key)
);
create index oidc_replays_expires on oidc_replays (expires_at);

-- Whose jobs may reach a project. No row: those of the projects allowed below.
create table job_token_scopes (
    project_id bigint primary key references projects (id) on delete cascade,
    inbound_enabled boolean not null default true
);
create table job_token_allowed_projects (
    project_id bigint not null references projects (id) on delete cascade,
    allowed_project_id bigint not null references projects (id) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (project_id, allowed_project_id)
);
create index job_token_allowed_projects_allowed on job_token_allowed_projects (allowed_project_id);
create table job_token_allowed_groups (
    project_id bigint not null references projects (id) on delete cascade,
    allowed_group_id bigint not null references groups (id) on delete cascade,
    created_at timestamptz not null default now(),
    primary key (project_id, allowed_group_id)
);
create index job_token_allowed_groups_allowed on job_token_allowed_groups (allowed_group_id);
