-- The relations of design.md section 7 that something uses; what arrives by the thousand is partitioned by day on its UUIDv7 id.

create table users (
    id text primary key check (id <> ''),
    email text not null default '',
    phone text not null default '',
    webhook_url text not null default '',
    locale text not null default '',
    time_zone text not null default '',
    version bigint not null,
    updated_at timestamptz not null default now()
);

create table devices (
    user_id text not null references users on delete cascade,
    token text not null check (token <> ''),
    platform text not null default '',
    updated_at timestamptz not null default now(),
    primary key (user_id, token)
);

-- One sequence for all users: a user deleted and made again is newer than what a cache still holds.
create sequence profile_version;

create function stamp_user() returns trigger language plpgsql as $$
begin
    new.version := nextval('profile_version');
    new.updated_at := now();
    return new;
end $$;

create trigger stamp before insert or update on users for each row execute function stamp_user();

create function stamp_owner() returns trigger language plpgsql as $$
begin
    update users set version = version where id in (old.user_id, new.user_id);
    return null;
end $$;

create trigger stamp after insert or update or delete on devices for each row execute function stamp_owner();

create table rules (
    type text primary key,
    category text not null,
    lane text not null check (lane in ('high', 'medium', 'low')),
    channels text[] not null check (cardinality(channels) > 0 and channels <@ array['email', 'sms', 'push', 'webhook']),
    strategy text not null default 'all' check (strategy in ('all', 'first')),
    template text not null default '',
    mandatory boolean not null default false,
    version integer not null default 1,
    updated_at timestamptz not null default now()
);

create table templates (
    name text primary key,
    version integer not null default 1,
    updated_at timestamptz not null default now()
);
comment on column templates.version is 'the published one';

create table template_versions (
    name text not null references templates on delete cascade,
    version integer not null,
    channel text not null check (channel in ('email', 'sms', 'push', 'webhook')),
    locale text not null default 'default',
    subject text not null default '',
    text text not null default '',
    html text not null default '',
    primary key (name, version, channel, locale)
);

create table rate_limits (
    channel text not null check (channel in ('email', 'sms', 'push', 'webhook')),
    seconds integer not null check (seconds > 0),
    most integer not null check (most > 0),
    primary key (channel, seconds)
);

create table policy_version (
    single boolean primary key default true check (single),
    version bigint not null
);
insert into policy_version (version) values (1);

create function policy_changed() returns trigger language plpgsql as $$
begin
    update policy_version set version = version + 1;
    return null;
end $$;

create trigger changed after insert or update or delete or truncate on rules execute function policy_changed();
create trigger changed after insert or update or delete or truncate on templates execute function policy_changed();
create trigger changed after insert or update or delete or truncate on template_versions execute function policy_changed();
create trigger changed after insert or update or delete or truncate on rate_limits execute function policy_changed();

create table notifications (
    id uuid primary key,
    user_id text not null,
    type text not null,
    category text not null,
    lane text not null,
    state text not null,
    reason text not null,
    first_id uuid,
    deliveries json not null,
    trace json not null,
    created_at timestamptz not null,
    decided_at timestamptz not null,
    expires_at timestamptz
) partition by range (id);
comment on column notifications.deliveries is '[[delivery id, channel], ...]: one without a row in deliveries is PENDING';
create index notifications_user on notifications (user_id, id desc);

-- No index on notification_id: a delivery's id begins with its notification's millisecond, which the primary key finds.
create table deliveries (
    id uuid primary key,
    notification_id uuid not null,
    user_id text not null,
    channel text not null,
    status text not null,
    rank smallint not null,
    reason text not null,
    outcome text not null,
    generation smallint not null,
    attempt smallint not null,
    provider text not null,
    provider_id text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
) partition by range (id);

-- A log's id begins with the first 24 digits of its delivery's, so that the primary key finds the logs of a delivery.
create table delivery_logs (
    id uuid primary key,
    delivery_id uuid not null,
    generation smallint not null,
    attempt smallint not null,
    status text not null,
    outcome text not null,
    reason text not null,
    provider text not null,
    provider_id text not null,
    code integer not null,
    ms real not null,
    possible_duplicate boolean not null,
    at timestamptz not null
) partition by range (id);

-- What falls outside of all days; rows here raise an alarm (herold db check).
create table notifications_default partition of notifications default;
create table deliveries_default partition of deliveries default;
create table delivery_logs_default partition of delivery_logs default;

-- The least UUID of a day (UTC): its first 48 bits are the milliseconds since 1970 (RFC 9562, section 5.7).
create function day_floor(day date) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes a day's partition if it is missing, and moves there what the default partition holds of that day.
create function make_partition(parent text, day date) returns boolean language plpgsql as $$
declare
    part text := parent || '_' || to_char(day, 'YYYYMMDD');
    low uuid := day_floor(day);
    high uuid := day_floor(day + 1);
begin
    if to_regclass(part) is not null then
        return false;
    end if;
    execute format('create table %I (like %I including defaults including constraints)', part, parent);
    execute format('with strays as (delete from %I where id >= %L and id < %L returning *) insert into %I select * from strays',
                   parent || '_default', low, high, part);
    execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, low, high);
    return true;
end $$;

create table dead_letters (
    topic text not null,
    "partition" integer not null,
    "offset" bigint not null,
    at timestamptz not null,
    stage text not null,
    reason text not null,
    error text not null,
    source_topic text not null,
    source_partition integer not null,
    source_offset bigint not null,
    attempts integer not null,
    user_id text not null,
    notification_id uuid,
    delivery_id uuid,
    key bytea,
    value bytea,
    truncated boolean not null,
    primary key (topic, "partition", "offset", at)
);
comment on column dead_letters.at is 'the time of the record in the dead letter topic; part of the key, as a new cluster starts its offsets again';
create index dead_letters_at on dead_letters (at desc);
create index dead_letters_notification on dead_letters (notification_id) where notification_id is not null;
