-- Projects (docs/decisions/0045): whose a row is says its id, `@<project>/<id>`; without this prefix it is the default project's.
create sequence project_version_seq;

create table projects (
    id text collate "C" primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,30}$'),
    name text not null check (length(name) between 1 and 128),
    weight integer not null default 1 check (weight between 1 and 1000),
    rate double precision check (rate > 0),
    burst integer check (burst > 0),
    encrypts_personal_data boolean,
    created_at timestamptz not null default now(),
    created_by text not null,
    version bigint not null default nextval('project_version_seq')
);
comment on column projects.weight is 'share of the workers under load, compared with the other projects';
comment on column projects.rate is 'notifications a second; null: no limit of its own';
comment on column projects.burst is 'notifications at once; null: no limit of its own';
comment on column projects.encrypts_personal_data is 'null: as the setting says';

create function project_of(id text) returns text language sql immutable parallel safe as $$
    select coalesce(substring(id from '^@([a-z0-9][a-z0-9-]{0,30})/'), '')
$$;

-- The role of a request: it sees and writes the rows of the project that the connection is for, which herold.project names after a colon. A
-- connection without the setting is not for one; so nothing changes for a login that is a member of the role. A role belongs to all databases
-- of a server, so it may be there already, and another upgrade may make it at this moment.
do $$
declare
    one record;
begin
    if not exists (select from pg_roles where rolname = 'herold_project') then
        if not (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) then
            raise exception 'the role herold_project is missing, and % may not create roles: create it with `create role herold_project nologin`',
                current_user;
        end if;
        begin
            create role herold_project nologin;
        exception when duplicate_object or unique_violation then
            null;
        end;
    end if;
    grant usage on schema public to herold_project;
    grant select, insert, update, delete on all tables in schema public to herold_project;
    grant usage, select on all sequences in schema public to herold_project;
    grant execute on all functions in schema public to herold_project;
    alter default privileges in schema public grant select, insert, update, delete on tables to herold_project;
    alter default privileges in schema public grant usage, select on sequences to herold_project;
    revoke update, delete on audit_log from herold_project;
    for one in
        select * from (values
            ('users', 'id'), ('devices', 'user_id'), ('user_preferences', 'user_id'), ('consent_events', 'user_id'), ('user_counts', 'user_id'),
            ('suppressions', 'user_id'), ('webhook_endpoints', 'user_id'), ('notifications', 'user_id'), ('deliveries', 'user_id'),
            ('dead_letters', 'user_id'), ('audience_members', 'user_id'), ('rules', 'type'), ('rule_versions', 'type'), ('templates', 'name'),
            ('template_versions', 'name'), ('template_details', 'name'), ('template_publications', 'name'),
            ('audiences', 'name'), ('schedules', 'name')
        ) as owned (table_name, column_name)
    loop
        execute format('alter table %I enable row level security', one.table_name);
        execute format('create policy all_rows on %I using (true) with check (true)', one.table_name);
        execute format(
            'create policy own_project on %1$I as restrictive to herold_project using (coalesce(current_setting(''herold.project'', true), '''') in ('''', '':'' || project_of(%2$I))) '
            'with check (coalesce(current_setting(''herold.project'', true), '''') in ('''', '':'' || project_of(%2$I)))',
            one.table_name, one.column_name
        );
    end loop;
    alter table api_keys enable row level security;
    create policy all_rows on api_keys using (true) with check (true);
    create policy own_project on api_keys as restrictive to herold_project
        using (coalesce(current_setting('herold.project', true), '') in ('', ':' || project))
        with check (coalesce(current_setting('herold.project', true), '') in ('', ':' || project));
end $$;
