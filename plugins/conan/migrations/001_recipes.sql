-- What a recipe is called, part by part. One row a package of the core's.
create table recipes (
    project_id bigint not null,
    package_id bigint not null primary key,
    name text not null,
    version text not null,
    -- "_" for none.
    username text not null,
    channel text not null,
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
-- Searched without case, from a beginning of the name.
create index recipes_by_name on recipes (project_id, lower(name) collate "C");

-- The revisions of a recipe that are complete, in the order in which they became so.
create table recipe_revisions (
    project_id bigint not null,
    package_id bigint not null,
    revision text collate "C" not null,
    -- When it became complete. Sending it again does not change this.
    published_at timestamptz not null default clock_timestamp(),
    primary key (package_id, revision),
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
create index recipe_revisions_latest on recipe_revisions (package_id, published_at desc, revision desc);

-- The packages that were built of a recipe's revision, by the id of their
-- configuration: also those of which no revision is complete yet.
create table package_references (
    project_id bigint not null,
    package_id bigint not null,
    recipe_revision text collate "C" not null,
    reference text collate "C" not null,
    -- conaninfo.txt, as it was read and as it is.
    info json,
    content text,
    primary key (package_id, recipe_revision, reference),
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade,
    foreign key (package_id, recipe_revision) references recipe_revisions (package_id, revision) on delete cascade
);

-- The revisions of a package that are complete.
create table package_revisions (
    project_id bigint not null,
    package_id bigint not null,
    recipe_revision text collate "C" not null,
    reference text collate "C" not null,
    revision text collate "C" not null,
    published_at timestamptz not null default clock_timestamp(),
    primary key (package_id, recipe_revision, reference, revision),
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade,
    foreign key (package_id, recipe_revision, reference) references package_references (package_id, recipe_revision, reference) on delete cascade
);
create index package_revisions_latest on package_revisions (package_id, recipe_revision, reference, published_at desc, revision desc);

-- What each file is of.
create table file_metadata (
    project_id bigint not null,
    package_file_id bigint not null primary key,
    recipe_revision text not null,
    -- Both empty for a file of a recipe.
    reference text not null default '',
    package_revision text not null default '',
    path text not null,
    foreign key (project_id, package_file_id) references public.package_files (project_id, id) on delete cascade
);
