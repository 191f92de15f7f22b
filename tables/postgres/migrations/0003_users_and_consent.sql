-- Tier, attributes and quiet hours of users, preferences, suppressions, and two histories that are only appended to: consent and operators' changes.

-- Whether a value is a daily window from "HH:MM" to another "HH:MM" (schemas/profile.py, QuietHours); a window over midnight ends before it starts.
create function are_quiet_hours(quiet_hours jsonb) returns boolean language sql immutable as $$
    select jsonb_typeof(quiet_hours) = 'object' and quiet_hours ?& '{start,end}' and quiet_hours - '{start,end}'::text[] = '{}'
        and jsonb_typeof(quiet_hours -> 'start') = 'string' and jsonb_typeof(quiet_hours -> 'end') = 'string'
        and quiet_hours ->> 'start' ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' and quiet_hours ->> 'end' ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
        and quiet_hours ->> 'start' <> quiet_hours ->> 'end'
$$;

alter table users
    add tier text not null default '',
    add attributes jsonb not null default '{}' constraint users_attributes_valid check (jsonb_typeof(attributes) = 'object'),
    add quiet_hours jsonb constraint users_quiet_hours_valid check (are_quiet_hours(quiet_hours)),
    add created_at timestamptz not null default now();
comment on column users.tier is 'rules and rate limits can depend on it; empty: no tier';
comment on column users.attributes is 'what conditions of rules and filters of audiences read: {"plan": "pro", ...}';
comment on column users.quiet_hours is '{"start": "22:00", "end": "07:00"} in the time zone of the user, else UTC; null: none';

-- Lists go through users by id, and a search looks for the start of an id; one index in the order of bytes serves both.
create index users_id_bytes_idx on users (id collate "C");

-- E-mail addresses are compared without case (schemas/addresses.py, build_comparison_key). What is found for the other channels can be too
-- much, which is enough to find the users whose versions rise.
create function fold_addresses(addresses jsonb) returns jsonb language sql immutable as $$
    select lower(addresses::text)::jsonb
$$;

-- A suppression by address finds the users who have it, and so does a search.
create index users_folded_addresses_idx on users using gin (fold_addresses(addresses) jsonb_path_ops);

alter table devices
    add kind text not null default 'fcm' constraint devices_kind_not_empty check (kind <> ''),
    add last_seen_at timestamptz;
comment on column devices.kind is 'the service that the token belongs to';
create index devices_token_idx on devices (token);

create table user_preferences (
    user_id text not null references users on delete cascade,
    category text not null default '',
    channel text not null default '',
    choice text not null check (choice in ('in', 'out')),
    digest text not null default '',
    updated_at timestamptz not null default now(),
    primary key (user_id, category, channel)
);
comment on column user_preferences.category is 'empty: all categories';
comment on column user_preferences.channel is 'empty: all channels';
comment on column user_preferences.choice is 'the most specific row decides: category and channel, then category, then channel, then neither';
comment on column user_preferences.digest is 'how messages are gathered: off, hourly, daily or weekly; empty: as the rule says';

create table suppressions (
    id uuid primary key,
    user_id text check (user_id <> ''),
    channel text not null references channels,
    address text not null default '',
    category text not null default '',
    reason text not null check (reason in ('hard_bounce', 'complaint', 'stop', 'manual')),
    source_event text not null default '',
    created_at timestamptz not null default now(),
    created_by text not null,
    undone_at timestamptz,
    undone_by text,
    constraint suppressions_email_folded check (channel <> 'email' or address = lower(address)),
    constraint suppressions_address_or_user check (address <> '' or user_id is not null),
    constraint suppressions_address_at_most_2048 check (length(address) <= 2048),
    constraint suppressions_undone_by_somebody check ((undone_at is null) = (undone_by is null))
);
comment on column suppressions.user_id is 'null: of whoever has the address. A suppression outlives its user';
comment on column suppressions.address is 'as addresses are compared: the normal form (docs/addresses.md), of e-mail in lower case; empty: every address of the user on the channel';
comment on column suppressions.category is 'empty: all categories';
comment on column suppressions.source_event is 'the id of the bounce, complaint or message that it comes from';
-- Each reason is a suppression of its own: START undoes STOP, and a complaint about the same address stays.
create unique index suppressions_in_force_key on suppressions (channel, address, coalesce(user_id, ''), category, reason) where undone_at is null;
create index suppressions_user_id_idx on suppressions (user_id) where user_id is not null;

create table consent_events (
    id uuid primary key,
    user_id text not null,
    category text not null,
    channel text not null,
    address text not null default '',
    change text not null check (change in ('preference_set', 'preference_deleted', 'suppressed', 'suppression_undone')),
    old_choice text not null,
    new_choice text not null,
    source text not null check (source in ('api', 'cli', 'import', 'callback', 'link')),
    actor text not null,
    reason text not null,
    occurred_at timestamptz not null default now()
);
comment on table consent_events is 'every change of user_preferences and suppressions, written in its transaction; only appended to';
comment on column consent_events.id is 'UUIDv7, so that the order of ids is the order of time';
comment on column consent_events.user_id is 'empty: of a suppression of whoever has the address. Events outlive their user';
comment on column consent_events.address is 'of a suppression; empty: every address of the user';
comment on column consent_events.old_choice is 'in or out; empty: there was none';
create index consent_events_user_id_id_idx on consent_events (user_id, id desc);
create index consent_events_address_idx on consent_events (address, id desc) where address <> '';

create table audit_log (
    id uuid primary key,
    actor text not null,
    action text not null,
    object_type text not null,
    object_id text not null,
    details jsonb not null default '{}' check (jsonb_typeof(details) = 'object'),
    occurred_at timestamptz not null default now()
);
comment on table audit_log is 'changes by operators; only appended to';
comment on column audit_log.id is 'UUIDv7, so that the order of ids is the order of time';
create index audit_log_object_idx on audit_log (object_type, object_id, id desc);

create function reject_change() returns trigger language plpgsql as $$
begin
    raise restrict_violation using message = format('rows of %s are only appended', tg_table_name);
end $$;

create trigger append_only before update or delete on consent_events for each row execute function reject_change();
create trigger append_only_as_a_whole before truncate on consent_events for each statement execute function reject_change();
create trigger append_only before update or delete on audit_log for each row execute function reject_change();
create trigger append_only_as_a_whole before truncate on audit_log for each statement execute function reject_change();

-- The triggers below raise users.version once per statement, because an import changes thousands of rows with one. Users are locked in the
-- order of their ids, so that two statements do not wait for each other.
create function bump_versions_of_changed_users() returns trigger language plpgsql as $$
begin
    with locked as (select id from users where id in (select user_id from changed) order by id for no key update)
    update users set version = version from locked where users.id = locked.id;
    return null;
end $$;

create function bump_versions_of_suppressed_users() returns trigger language plpgsql as $$
begin
    with suppressed as (
        select user_id as id from changed where user_id is not null
        union select users.id from changed join users
            on fold_addresses(users.addresses) @> fold_addresses(jsonb_build_object(channel, jsonb_build_array(address)))
        where changed.user_id is null
        union select devices.user_id from changed join devices on token = address where changed.user_id is null
    ), locked as (select id from users where id in (select id from suppressed) order by id for no key update)
    update users set version = version from locked where users.id = locked.id;
    return null;
end $$;

drop trigger bump_version on devices;
drop function bump_device_user_version();

create trigger bump_version_after_insert after insert on devices
    referencing new table as changed for each statement execute function bump_versions_of_changed_users();
create trigger bump_version_after_delete after delete on devices
    referencing old table as changed for each statement execute function bump_versions_of_changed_users();
create trigger bump_old_version_after_update after update on devices
    referencing old table as changed for each statement execute function bump_versions_of_changed_users();
create trigger bump_version_after_update after update on devices
    referencing new table as changed for each statement execute function bump_versions_of_changed_users();

create trigger bump_version_after_insert after insert on user_preferences
    referencing new table as changed for each statement execute function bump_versions_of_changed_users();
create trigger bump_version_after_delete after delete on user_preferences
    referencing old table as changed for each statement execute function bump_versions_of_changed_users();
create trigger bump_old_version_after_update after update on user_preferences
    referencing old table as changed for each statement execute function bump_versions_of_changed_users();
create trigger bump_version_after_update after update on user_preferences
    referencing new table as changed for each statement execute function bump_versions_of_changed_users();

create trigger bump_version_after_insert after insert on suppressions
    referencing new table as changed for each statement execute function bump_versions_of_suppressed_users();
create trigger bump_version_after_delete after delete on suppressions
    referencing old table as changed for each statement execute function bump_versions_of_suppressed_users();
create trigger bump_old_version_after_update after update on suppressions
    referencing old table as changed for each statement execute function bump_versions_of_suppressed_users();
create trigger bump_version_after_update after update on suppressions
    referencing new table as changed for each statement execute function bump_versions_of_suppressed_users();
