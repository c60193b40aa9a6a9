-- Granular tokens: instead of a classic scope they have what core/internal/registry
-- calls GranularScopes. Ids in them are never used twice: one of a project or group
-- that is gone says nothing.
alter table tokens add column granular_scopes jsonb;
-- A registry starts on this before it serves: nobody waits for the locks.
-- squawk-ignore constraint-missing-not-valid
alter table tokens add constraint tokens_granular check (
    ('granular' = any (scopes)) = (granular_scopes is not null)
    and (granular_scopes is null or (cardinality(scopes) = 1 and jsonb_typeof(granular_scopes) = 'array'))
);

-- What a granular token's name patterns hide from it is hidden from the named
-- queries of formats too. pakhus.names is a list of patterns of "like", or nothing:
-- then there is no limit, and it costs the look at a setting. "is not null" has the
-- planner expect what it expected before: that mostly all of it is seen. pakhus.names_by_project
-- is 'on' where projects differ: then each pattern begins with a project's id and ":".
drop policy seen_by_formats on packages;
create policy seen_by_formats on packages for select using (
    project_id = any ((select current_setting('pakhus.project_ids')::bigint[])::bigint[])
    and format = (select current_setting('pakhus.format'))
    and (
        (select 1 where coalesce(current_setting('pakhus.names', true), '') = '') is not null
        or (case when (select current_setting('pakhus.names_by_project', true) = 'on') then project_id || ':' || name else name end)
        ilike any ((select nullif(current_setting('pakhus.names', true), '')::text[])::text[])
    )
);
-- A file or tag is seen if its package is: the role's own policy decides that. A
-- function, not a subquery: the planner would count on one for each row, and make
-- another plan where there is no limit.
create function core_api.package_seen(package_id bigint) returns boolean
    language sql stable parallel safe cost 1
    begin atomic
        select exists (select from public.packages p where p.id = package_id);
    end;
drop policy seen_by_formats on package_files;
create policy seen_by_formats on package_files for select using (
    project_id = any ((select current_setting('pakhus.project_ids')::bigint[])::bigint[])
    and format = (select current_setting('pakhus.format'))
    and (
        (select 1 where coalesce(current_setting('pakhus.names', true), '') = '') is not null
        or core_api.package_seen(package_id)
    )
);
drop policy seen_by_formats on package_tags;
create policy seen_by_formats on package_tags for select using (
    project_id = any ((select current_setting('pakhus.project_ids')::bigint[])::bigint[])
    and format = (select current_setting('pakhus.format'))
    and (
        (select 1 where coalesce(current_setting('pakhus.names', true), '') = '') is not null
        or core_api.package_seen(package_id)
    )
);
