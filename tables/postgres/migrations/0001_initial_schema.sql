-- The relations of design.md section 7 that something uses; what arrives by the thousand is partitioned by day on its UUIDv7 id.

create table users (
    id text primary key check (id <> ''),
    email text not null default '',
    phone text not null default '',
    webhook_url text not null default '',
    locale text not null default '',
    time_zone text not null default '',
    version bigint not null,
    updated_at timestamptz not null default now(),
    -- As long as an address that comes with a notification may be (schemas/notification.py).
    constraint users_addresses_length_at_most
        check (length(email) <= 2048 and length(phone) <= 2048 and length(webhook_url) <= 2048)
);

create table devices (
    user_id text not null references users on delete cascade,
    token text not null check (token <> ''),
    platform text not null default '',
    updated_at timestamptz not null default now(),
    primary key (user_id, token),
    constraint devices_token_length_at_most check (length(token) <= 2048)
);

-- One sequence for all users: a user deleted and made again is newer than what a cache still holds.
create sequence user_version_seq;

create function bump_user_version() returns trigger language plpgsql as $$
begin
    new.version := nextval('user_version_seq');
    new.updated_at := now();
    return new;
end $$;

create trigger bump_version before insert or update on users for each row execute function bump_user_version();

create function bump_device_owner_version() returns trigger language plpgsql as $$
begin
    update users set version = version where id in (old.user_id, new.user_id);
    return null;
end $$;

create trigger bump_version after insert or update or delete on devices for each row execute function bump_device_owner_version();

create table rules (
    type text primary key,
    category text not null,
    priority text not null check (priority in ('high', 'medium', 'low')),
    channels text[] not null check (cardinality(channels) > 0 and channels <@ array['email', 'sms', 'push', 'webhook']),
    strategy text not null default 'all' check (strategy in ('all', 'first')),
    template text not null default '',
    mandatory boolean not null default false,
    version integer not null default 1,
    updated_at timestamptz not null default now()
);

create table templates (
    name text primary key,
    published_version integer not null default 1,
    updated_at timestamptz not null default now()
);

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
    window_seconds integer not null check (window_seconds > 0),
    max_count integer not null check (max_count > 0),
    primary key (channel, window_seconds),
    -- A row of the table rate_windows lives for seven days (schemas/policy.py, MAX_WINDOW_SECONDS): a longer window would be forgotten in it.
    constraint rate_limits_window_seconds_check_at_most check (window_seconds <= 604800)
);

create table policy_version (
    singleton boolean primary key default true check (singleton),
    version bigint not null
);
insert into policy_version (version) values (1);

create function bump_policy_version() returns trigger language plpgsql as $$
begin
    update policy_version set version = version + 1;
    return null;
end $$;

create trigger bump_policy_version after insert or update or delete or truncate on rules execute function bump_policy_version();
create trigger bump_policy_version after insert or update or delete or truncate on templates execute function bump_policy_version();
create trigger bump_policy_version after insert or update or delete or truncate on template_versions execute function bump_policy_version();
create trigger bump_policy_version after insert or update or delete or truncate on rate_limits execute function bump_policy_version();

create table notifications (
    id uuid primary key,
    user_id text not null,
    type text not null,
    category text not null,
    priority text not null,
    state text not null,
    reason text not null,
    duplicate_of uuid,
    deliveries json not null,
    decision_log json not null,
    created_at timestamptz not null,
    decided_at timestamptz not null,
    expires_at timestamptz
) partition by range (id);
comment on column notifications.deliveries is '[[delivery id, channel], ...]: one without a row in deliveries is PENDING';
create index notifications_user_id_id_idx on notifications (user_id, id desc);

-- No index on notification_id: a delivery's id begins with its notification's millisecond, which the primary key finds.
create table deliveries (
    id uuid primary key,
    notification_id uuid not null,
    user_id text not null,
    channel text not null,
    status text not null,
    status_rank smallint not null,
    reason text not null,
    outcome text not null,
    redrive_count smallint not null,
    attempt smallint not null,
    provider text not null,
    provider_message_id text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
) partition by range (id);

-- A log's id begins with the first 24 digits of its delivery's, so that the primary key finds the logs of a delivery.
create table delivery_logs (
    id uuid primary key,
    delivery_id uuid not null,
    redrive_count smallint not null,
    attempt smallint not null,
    status text not null,
    outcome text not null,
    reason text not null,
    provider text not null,
    provider_message_id text not null,
    provider_code integer not null,
    duration_ms real not null,
    possible_duplicate boolean not null,
    occurred_at timestamptz not null,
    -- What was said of an attempt, for a person: by the provider, or by us if it could not be made.
    detail text not null default ''
) partition by range (id);

-- What falls outside of all days; rows here raise an alarm (herold db check).
create table notifications_default partition of notifications default;
create table deliveries_default partition of deliveries default;
create table delivery_logs_default partition of delivery_logs default;

-- The least UUID of a day (UTC): its first 48 bits are the milliseconds since 1970 (RFC 9562, section 5.7).
create function get_day_start_uuid(day date) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes a day's partition if it is missing, and moves there what the default partition holds of that day.
create function create_partition(parent text, day date) returns boolean language plpgsql as $$
declare
    part text := parent || '_' || to_char(day, 'YYYYMMDD');
    low uuid := get_day_start_uuid(day);
    high uuid := get_day_start_uuid(day + 1);
begin
    if to_regclass(part) is not null then
        return false;
    end if;
    execute format('create table %I (like %I including defaults including constraints)', part, parent);
    execute format('with moved_rows as (delete from %I where id >= %L and id < %L returning *) insert into %I select * from moved_rows',
                   parent || '_default', low, high, part);
    execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, low, high);
    return true;
end $$;

create table dead_letters (
    topic text not null,
    "partition" integer not null,
    "offset" bigint not null,
    created_at timestamptz not null,
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
    primary key (topic, "partition", "offset", created_at)
);
comment on column dead_letters.created_at is 'the time of the record in the dead letter topic; part of the key, as a new cluster starts its offsets again';
create index dead_letters_created_at_idx on dead_letters (created_at desc);
create index dead_letters_notification_id_idx on dead_letters (notification_id) where notification_id is not null;
