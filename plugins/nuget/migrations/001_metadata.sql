-- What a version's manifest says of it. One row a version.
create table metadata (
    project_id bigint not null,
    package_id bigint not null primary key,
    -- The manifest as the registry's documents show it.
    manifest json not null,
    -- Where the manifest is in the package.
    nuspec text not null,
    -- What is searched.
    title text not null default '',
    description text not null default '',
    authors text not null default '',
    tags text[] not null default '{}',
    package_types text[] not null default '{}',
    prerelease boolean not null,
    -- Clients before NuGet 4.3 cannot read it.
    semver2 boolean not null,
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
create index metadata_project on metadata (project_id);

-- Debugging symbols, by what a debugger asks for.
create table symbols (
    project_id bigint not null,
    package_id bigint not null,
    -- The symbol package, and where in it the symbols are.
    file_id bigint not null,
    member text not null,
    -- In lower case.
    file_name text not null,
    signature text not null,
    checksum text not null,
    primary key (package_id, signature, file_name),
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
create index symbols_signature on symbols (project_id, signature, file_name);
