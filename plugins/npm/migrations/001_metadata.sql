-- One row a version. What the packument shows is kept as text, ready to be put
-- together: a document of thousands of versions is copied, not rebuilt.
create table metadata (
    project_id bigint not null,
    package_id bigint not null primary key,
    -- The version object of the full document, without what changes after publishing.
    manifest json not null,
    -- The same for installers.
    abbreviated json not null,
    -- dist without what depends on where the registry is.
    dist json not null,
    readme text not null default '',
    description text not null default '',
    author text not null default '',
    keywords text[] not null default '{}',
    -- Of the provenance bundle; empty without one.
    predicate_type text not null default '',
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
create index metadata_project on metadata (project_id);
