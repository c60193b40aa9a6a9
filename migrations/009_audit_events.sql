-- Who did what with which token from where, and who was refused. What is written
-- here refers to nothing: it outlives users, tokens, projects and packages.
create table audit_events (
    id bigint generated always as identity primary key,
    created_at timestamptz not null default now(),
    request_id text not null default '',
    outcome text not null check (outcome in ('done', 'refused')),
    -- Of HTTP; 0: a job, or the command line.
    status smallint not null default 0,
    -- Of a refusal, what the client was told.
    reason text not null default '',
    method text not null default '',
    -- "npm/publish", the pattern of a path, or a command.
    action text not null,
    -- anonymous, user, deploy_token, system (jobs), operator (the command line).
    actor_kind text not null,
    actor_id bigint not null default 0,
    actor_username text not null default '',
    token_id bigint not null default 0,
    token_kind text not null default '',
    remote_address text not null default '',
    -- Project, Group, User or, as in GitLab, Gitlab::Audit::InstanceScope.
    entity_type text not null,
    entity_id bigint not null default 0,
    entity_path text not null default '',
    package_name text not null default '',
    package_version text not null default '',
    details jsonb not null default '{}'
);
create index audit_events_entity on audit_events (entity_type, entity_id, id);
create index audit_events_created on audit_events (created_at, id);
-- Strangers can make these, so only so many are kept.
create index audit_events_refused on audit_events (id) where outcome = 'refused';

-- What has been written stays as it is. Events end by their age alone.
create function refuse_change_of_audit_event() returns trigger language plpgsql as $$
begin
    raise exception 'an audit event cannot be changed';
end
$$;
create trigger audit_events_append_only before update on audit_events
    for each row execute function refuse_change_of_audit_event();
