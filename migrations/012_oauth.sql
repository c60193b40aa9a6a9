-- OAuth 2: the applications that people let act for them, what they have allowed
-- them, and browsers' sessions.

create table oauth_applications (
    id bigint generated always as identity primary key,
    -- The client_id.
    uid text not null unique,
    name text not null,
    -- sha256 of the client_secret; null: a public client, which can keep none.
    secret_digest bytea check (length(secret_digest) = 32),
    redirect_uris text[] not null,
    -- What it may ask for: api, read_api.
    scopes text[] not null check (cardinality(scopes) > 0),
    -- Null: the instance's.
    owner_id bigint references users (id) on delete cascade,
    created_at timestamptz not null default now()
);
create index oauth_applications_owner on oauth_applications (owner_id);

-- What somebody has allowed an application. The code, and every token that came
-- of it, end with it.
create table oauth_grants (
    id bigint generated always as identity primary key,
    application_id bigint not null references oauth_applications (id) on delete cascade,
    user_id bigint not null references users (id) on delete cascade,
    scopes text[] not null,
    -- sha256 of the authorization code, and what it is bound to. Null: of a device.
    code_digest bytea unique check (length(code_digest) = 32),
    redirect_uri text,
    code_challenge text,
    code_expires_at timestamptz,
    code_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now()
);
create index oauth_grants_application on oauth_grants (application_id);
create index oauth_grants_user on oauth_grants (user_id);

-- Each is good once. One that was used is kept, to be known when it comes again.
create table oauth_refresh_tokens (
    id bigint generated always as identity primary key,
    digest bytea not null unique check (length(digest) = 32),
    grant_id bigint not null references oauth_grants (id) on delete cascade,
    used_at timestamptz,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index oauth_refresh_tokens_grant on oauth_refresh_tokens (grant_id);

-- Devices that wait until somebody has typed their code into a browser.
create table oauth_device_codes (
    id bigint generated always as identity primary key,
    digest bytea not null unique check (length(digest) = 32),
    user_code_digest bytea not null unique check (length(user_code_digest) = 32),
    application_id bigint not null references oauth_applications (id) on delete cascade,
    scopes text[] not null,
    -- What the device is to leave between two polls, in seconds, and when it last polled.
    poll_interval bigint not null,
    polled_at timestamptz,
    -- Who has decided, and how; null: nobody has yet.
    user_id bigint references users (id) on delete cascade,
    allowed boolean,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index oauth_device_codes_application on oauth_device_codes (application_id);
create index oauth_device_codes_user on oauth_device_codes (user_id);

-- Access tokens are tokens like others.
alter table tokens add column oauth_grant_id bigint;
-- Registries have few tokens, and none of these yet.
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table tokens add constraint tokens_oauth_grant foreign key (oauth_grant_id) references oauth_grants (id) on delete cascade;
-- squawk-ignore require-concurrent-index-creation
create index tokens_of_oauth_grant on tokens (oauth_grant_id) where oauth_grant_id is not null;
alter table tokens drop constraint tokens_kind;
-- squawk-ignore constraint-missing-not-valid
alter table tokens add constraint tokens_kind check (
    (kind = 'personal' and user_id is not null and num_nonnulls(project_id, group_id) = 0)
    or (kind = 'project_access' and user_id is not null and project_id is not null and group_id is null)
    or (kind = 'group_access' and user_id is not null and group_id is not null and project_id is null)
    or (kind = 'deploy' and user_id is null and username is not null and num_nonnulls(project_id, group_id) = 1)
    or (kind = 'oauth' and user_id is not null and num_nonnulls(project_id, group_id) = 0 and num_nonnulls(oauth_grant_id, parent_id) = 1)
);

-- Browsers' sessions. The cookie holds a random text, the digest is of that.
create table web_sessions (
    digest text primary key,
    -- Null: nobody has signed in yet.
    user_id bigint references users (id) on delete cascade,
    data bytea not null,
    expires_at timestamptz not null
);
create index web_sessions_user on web_sessions (user_id);
create index web_sessions_expires on web_sessions (expires_at);

-- Who is blocked, or gets another password, is signed out everywhere.
create function end_web_sessions() returns trigger language plpgsql as $$
begin
    delete from web_sessions where user_id = new.id;
    return null;
end
$$;
create trigger users_end_web_sessions after update on users for each row
    when (new.state <> 'active' or new.password_hash is distinct from old.password_hash)
    execute function end_web_sessions();

-- Who somebody is to an external OpenID provider. A subject is unique at its issuer.
create table external_identities (
    id bigint generated always as identity primary key,
    issuer text not null,
    subject text not null,
    -- The provider's name in the configuration, when the identity was made.
    provider text not null,
    user_id bigint not null references users (id) on delete cascade,
    created_at timestamptz not null default now(),
    unique (issuer, subject)
);
create index external_identities_user on external_identities (user_id);
