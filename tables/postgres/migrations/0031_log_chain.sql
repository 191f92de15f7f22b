-- The audit log and the events of consent become hash chains (docs/decisions/0048), and a role is made that cannot change them.

-- The salt hides the personal columns of an entry in its hash; the erasure of a user deletes both. 122 of its bits are random.
alter table audit_log
    add salt bytea default uuid_send(gen_random_uuid()),
    add principal text not null default '',
    add client_address text not null default '',
    add user_agent_hash text not null default '',
    add request_id text not null default '';
comment on column audit_log.actor is 'who, in the words of the principal: the name that a program sent for whoever it acts for';
comment on column audit_log.principal is 'who was authenticated: account or key, and its id; empty: the CLI on the database, a worker, or before there were principals';
comment on column audit_log.client_address is 'IP address of the request';
comment on column audit_log.user_agent_hash is 'first 16 hex digits of the SHA-256 of the User-Agent';
comment on column audit_log.salt is 'null: the user that the entry is about was erased';
create index audit_log_actor_idx on audit_log (actor, id desc);
create index audit_log_principal_idx on audit_log (principal, id desc);
create index audit_log_action_idx on audit_log (action, id desc);

alter table consent_events
    add salt bytea default uuid_send(gen_random_uuid()),
    add principal text not null default '',
    add client_address text not null default '',
    add request_id text not null default '';

-- Which event of consent a preference comes from: what a delivery that it allowed refers to.
alter table user_preferences add consent_event_id uuid;
update user_preferences set consent_event_id = (
    select id from consent_events
    where (consent_events.user_id, consent_events.category, consent_events.channel)
            = (user_preferences.user_id, user_preferences.category, user_preferences.channel)
        and change = 'preference_set'
    order by id desc limit 1
);

alter table deliveries add consent_event_id uuid;
comment on column deliveries.consent_event_id is 'the event of consent that allowed it; null: none was needed, as the decision log of its notification says';

create table log_chain (
    log text not null check (log in ('audit', 'consent')),
    number bigint not null check (number > 0),
    entry_id uuid not null,
    person bytea not null check (length(person) = 32),
    hash bytea not null check (length(hash) = 32),
    linked_at timestamptz not null default now(),
    primary key (log, number),
    unique (log, entry_id)
);
comment on table log_chain is 'entries of audit_log and consent_events in the order in which they were linked, without gaps; only appended to';
comment on column log_chain.person is 'SHA-256 of the salt and the personal columns: what is left of them after an erasure';
comment on column log_chain.hash is 'SHA-256 of the hash before, the number, and the digest of the entry (schemas/log_chain.py)';

create table log_checkpoints (
    log text not null,
    number bigint not null,
    hash bytea not null check (length(hash) = 32),
    created_at timestamptz not null,
    key_id text not null,
    signature bytea not null check (length(signature) = 64),
    primary key (log, number)
);
comment on table log_checkpoints is 'signed heads of the chains; only appended to';

-- What is committed and not linked yet. A transaction adds its entries here, so none is missed, in whatever order transactions commit.
create table unlinked_entries (
    log text not null,
    entry_id uuid not null,
    primary key (log, entry_id)
);
insert into unlinked_entries select 'audit', id from audit_log union all select 'consent', id from consent_events;

create function queue_for_link() returns trigger language plpgsql as $$
begin
    insert into unlinked_entries select tg_argv[0], id from added;
    return null;
end $$;
create trigger queue_for_link after insert on audit_log referencing new table as added for each statement execute function queue_for_link('audit');
create trigger queue_for_link after insert on consent_events referencing new table as added for each statement execute function queue_for_link('consent');

create trigger append_only before update or delete on log_chain for each row execute function reject_change();
create trigger append_only_as_a_whole before truncate on log_chain for each statement execute function reject_change();
create trigger append_only before update or delete on log_checkpoints for each row execute function reject_change();
create trigger append_only_as_a_whole before truncate on log_checkpoints for each statement execute function reject_change();

-- The one change that an entry allows is the erasure of a user: the salt goes, and nothing but the columns in the arguments changes.
create function reject_all_but_erasure() returns trigger language plpgsql as $$
begin
    if old.salt is not null and new.salt is null and to_jsonb(new) - tg_argv = to_jsonb(old) - tg_argv then
        return new;
    end if;
    raise restrict_violation using message = format('rows of %s are only appended', tg_table_name);
end $$;
drop trigger append_only on audit_log;
drop trigger append_only on consent_events;
create trigger append_only before delete on audit_log for each row execute function reject_change();
create trigger append_only before delete on consent_events for each row execute function reject_change();
create trigger only_erased before update on audit_log for each row
    execute function reject_all_but_erasure('salt', 'object_id', 'details');
create trigger only_erased before update on consent_events for each row
    execute function reject_all_but_erasure('salt', 'user_id', 'address', 'reason', 'client_address');

-- Removes a user from the entries about the user and the user's addresses (as they are compared); they are under the pseudonym then, and
-- the chains stay whole. An entry of the audit log with this id and actor says so: verification asks for it. Returns how many entries it
-- changed. With the rights of the schema's owner, because no other role may change entries.
create function erase_from_logs(person text, pseudonym text, addresses text[], erasure_id uuid, erased_by text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    changed bigint;
    total bigint;
begin
    if person = '' or pseudonym = '' or person = pseudonym then
        raise invalid_parameter_value using message = 'a user id and another pseudonym are needed';
    end if;
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
    insert into audit_log (id, actor, action, object_type, object_id, details)
    values (erasure_id, erased_by, 'erase_from_logs', 'user', pseudonym, jsonb_build_object('entries', total));
    return total;
end $$;
revoke execute on function erase_from_logs(text, text, text[], uuid, text) from public;

-- Partitions belong to the schema's owner, so these two run with the owner's rights, too.
alter function create_partition(text, date) security definer set search_path = public, pg_temp;
revoke execute on function create_partition(text, date) from public;
create function drop_partition(partition_name text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if partition_name !~ '^(notifications|deliveries|delivery_logs|provider_events)_[0-9]{8}$' then
        raise invalid_parameter_value using message = format('%s is not a daily partition', partition_name);
    end if;
    execute format('drop table %I', partition_name);
end $$;
revoke execute on function drop_partition(text) from public;

-- The role of gateway and workers: it reads and writes everything, but of the logs it only appends. A role belongs to all databases of a
-- server, so it may be there already, and another upgrade may make it at this moment.
do $$
begin
    if not exists (select from pg_roles where rolname = 'herold_app') then
        if not (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) then
            raise notice 'the role herold_app was not made: % may not create roles', current_user;
            return;
        end if;
        begin
            create role herold_app nologin;
        exception when duplicate_object or unique_violation then
            null;
        end;
    end if;
    grant usage on schema public to herold_app;
    grant select, insert, update, delete on all tables in schema public to herold_app;
    grant usage, select on all sequences in schema public to herold_app;
    grant execute on all functions in schema public to herold_app;
    alter default privileges in schema public grant select, insert, update, delete on tables to herold_app;
    alter default privileges in schema public grant usage, select on sequences to herold_app;
    revoke update, delete on audit_log, consent_events, log_chain, log_checkpoints from herold_app;
    revoke update on unlinked_entries from herold_app;
end $$;
