-- Redrives, webhook endpoints for statuses, and entries of the audit log know their project (docs/decisions/0053).

alter table redrives add column project text;
comment on column redrives.project is 'whose dead letters it may send again, empty: the default one''s; null: made where projects are not separated';
update redrives set project = '' where exists (select from projects);

alter table webhook_endpoints
    add column project text,
    add column is_test boolean not null default false,
    add constraint webhook_endpoints_for_statuses check (kind = 'status' or (project is null and not is_test));
comment on column webhook_endpoints.project is 'whose statuses it gets; null: all, it was made where projects are not separated; that of a user is in the id of the user';
comment on column webhook_endpoints.is_test is 'whether it gets the statuses of tests, and no others';
update webhook_endpoints set project = '' where kind = 'status' and exists (select from projects);
drop index webhook_endpoints_user_url_key;
create unique index webhook_endpoints_user_url_key on webhook_endpoints (coalesce(user_id, ''), url, coalesce(project, ''), is_test);

alter table notifications add column is_test boolean not null default false;
comment on column notifications.is_test is 'whether it went to the simulators only';

alter table audit_log add column project text not null default '';
comment on column audit_log.project is 'whose it is; empty: the default one''s, or it was written before 0034 and the object says it';
create index audit_log_project_idx on audit_log (project, id desc);

-- Who read personal data without masks: gathered for a minute, then an entry of the audit log for each principal and resource.
create table unmasked_readings (
    minute timestamptz not null,
    principal text not null,
    actor text not null,
    client_address text not null,
    user_agent_hash text not null,
    project text not null,
    resource text not null,
    object_id text not null,
    count bigint not null,
    primary key (minute, principal, actor, client_address, user_agent_hash, project, resource, object_id)
);
create index unmasked_readings_object_idx on unmasked_readings (object_id);
create index audit_log_read_ids_idx on audit_log using gin ((details -> 'ids')) where action = 'read';

-- An entry about readings names many users, and each of them may be erased: its details change again, after its salt is gone.
create or replace function reject_all_but_erasure() returns trigger language plpgsql as $$
begin
    if new.salt is null and to_jsonb(new) - tg_argv = to_jsonb(old) - tg_argv
        and (old.salt is not null or to_jsonb(old) ->> 'action' = 'read') then
        return new;
    end if;
    raise restrict_violation using message = format('rows of %s are only appended', tg_table_name);
end $$;

create or replace function erase_from_logs(person text, pseudonym text, addresses text[], erasure_id uuid, erased_by text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    changed bigint;
    total bigint;
begin
    if person = '' or pseudonym = '' or person = pseudonym then
        raise invalid_parameter_value using message = 'a user id and another pseudonym are needed';
    end if;
    -- first: it waits for whoever gathers these readings, and what follows sees the entry
    update unmasked_readings set object_id = pseudonym where object_id = person;
    update consent_events set salt = null, user_id = pseudonym, address = '', reason = '', client_address = ''
    where salt is not null and user_id = person;
    get diagnostics total = row_count;
    update consent_events set salt = null, user_id = pseudonym, address = '', reason = '', client_address = ''
    where salt is not null and user_id = '' and address <> '' and address = any(addresses);
    get diagnostics changed = row_count;
    total := total + changed;
    update audit_log set salt = null, object_id = pseudonym, details = '{}'
    where salt is not null and object_type = 'user' and object_id = person;
    get diagnostics changed = row_count;
    total := total + changed;
    update audit_log set salt = null, object_id = pseudonym, details = jsonb_set(details, '{ids}', (details -> 'ids') - person)
    where action = 'read' and details -> 'ids' ? person;
    get diagnostics changed = row_count;
    total := total + changed;
    insert into audit_log (id, actor, action, object_type, object_id, details, project)
    values (erasure_id, erased_by, 'erase_from_logs', 'user', pseudonym, jsonb_build_object('entries', total), project_of(person));
    return total;
end $$;

-- What herold_project sees of them (0027). Of the audit log this is a second net: queries ask for their project, too.
do $$
declare
    one record;
begin
    drop policy own_project on webhook_endpoints;
    for one in
        select * from (values
            ('webhook_endpoints', 'coalesce(project, project_of(user_id))'),
            ('redrives', 'coalesce(project, '''')'),
            ('audit_log', 'case when project <> '''' then project else project_of(object_id) end'),
            ('unmasked_readings', 'project')
        ) as owned (table_name, owner)
    loop
        if one.table_name <> 'webhook_endpoints' then
            execute format('alter table %I enable row level security', one.table_name);
            execute format('create policy all_rows on %I using (true) with check (true)', one.table_name);
        end if;
        execute format(
            'create policy own_project on %1$I as restrictive to herold_project using (coalesce(current_setting(''herold.project'', true), '''') in ('''', '':'' || %2$s)) '
            'with check (coalesce(current_setting(''herold.project'', true), '''') in ('''', '':'' || %2$s))',
            one.table_name, one.owner
        );
    end loop;
    alter table redrive_items enable row level security;
    create policy all_rows on redrive_items using (true) with check (true);
    create policy own_project on redrive_items as restrictive to herold_project
        using (exists (select from redrives where redrives.id = redrive_id))
        with check (exists (select from redrives where redrives.id = redrive_id));
    grant select, insert, update, delete on unmasked_readings to herold_project;
    if exists (select from pg_roles where rolname = 'herold_app') then
        grant select, insert, update, delete on unmasked_readings to herold_app;
    end if;
end $$;
