-- Bots: the users that project and group access tokens act as. They have a role,
-- no password, and nobody signs in as one.
alter table users add column kind text not null default 'human';
-- A registry starts on this before it serves: nobody waits for the locks.
-- squawk-ignore constraint-missing-not-valid
alter table users add constraint users_kind check (kind in ('human', 'project_bot', 'group_bot'));

alter table tokens add column description text not null default '';
alter table tokens drop constraint tokens_kind_check;
alter table tokens drop constraint tokens_check;
-- squawk-ignore constraint-missing-not-valid
alter table tokens add constraint tokens_kind check (
    (kind = 'personal' and user_id is not null and num_nonnulls(project_id, group_id) = 0)
    or (kind = 'project_access' and user_id is not null and project_id is not null and group_id is null)
    or (kind = 'group_access' and user_id is not null and group_id is not null and project_id is null)
    or (kind = 'deploy' and user_id is null and username is not null and num_nonnulls(project_id, group_id) = 1)
);

-- A browser's sign-in with a token gives one that ends with it.
alter table web_logins add column token_id bigint;
-- Sign-ins last ten minutes: there are hardly any rows.
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table web_logins add constraint web_logins_token foreign key (token_id) references tokens (id) on delete cascade;
-- squawk-ignore require-concurrent-index-creation
create index web_logins_tokens on web_logins (token_id);
