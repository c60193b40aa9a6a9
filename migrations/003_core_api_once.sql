-- What a request may see is read once a statement, not once a row: a group may
-- have thousands of projects, and their list is a text that has to be parsed.
create or replace view core_api.packages with (security_barrier) as
    select id, project_id, format, name, version, name_key, version_key, status, created_at, updated_at
    from public.packages
    where project_id = any ((select current_setting('pakhus.project_ids')::bigint[])::bigint[])
      and format = (select current_setting('pakhus.format'));
create or replace view core_api.package_files with (security_barrier) as
    select f.id, f.project_id, f.package_id, f.file_name, f.file_key, f.size, f.sha256, f.sha1, f.md5, f.sha512, f.created_at
    from public.package_files f
    join public.packages p on p.id = f.package_id
    where p.project_id = any ((select current_setting('pakhus.project_ids')::bigint[])::bigint[])
      and p.format = (select current_setting('pakhus.format'));
create or replace view core_api.package_tags with (security_barrier) as
    select package_id, project_id, name, updated_at
    from public.package_tags
    where project_id = any ((select current_setting('pakhus.project_ids')::bigint[])::bigint[])
      and format = (select current_setting('pakhus.format'));
