-- What a version's POM says of it. One row a version, once its POM is there.
create table metadata (
    project_id bigint not null,
    package_id bigint not null primary key,
    group_id text not null,
    artifact_id text not null,
    version text not null,
    packaging text not null,
    -- group:artifact:version; empty without a parent.
    parent text not null default '',
    name text not null default '',
    description text not null default '',
    url text not null default '',
    licenses text[] not null default '{}',
    -- Lists of objects: group_id, artifact_id, version, scope, type, classifier, optional.
    dependencies json not null,
    managed_dependencies json not null,
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
create index metadata_artifact on metadata (project_id, group_id, artifact_id);

-- Maven plugins, by which "mvn prefix:goal" finds them. One row a version whose
-- jar has a descriptor.
create table plugins (
    project_id bigint not null,
    package_id bigint not null primary key,
    group_id text not null,
    artifact_id text not null,
    prefix text not null,
    name text not null default '',
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
create index plugins_group on plugins (project_id, group_id);
