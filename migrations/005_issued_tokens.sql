-- A token that was made for a client by its own sign-in with a token is good as
-- long as that one is.
alter table tokens add column parent_id bigint;
-- Registries have few tokens, and none of these yet.
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table tokens add constraint tokens_parent foreign key (parent_id) references tokens (id) on delete cascade;
-- squawk-ignore require-concurrent-index-creation
create index tokens_of_parent on tokens (parent_id) where parent_id is not null;
