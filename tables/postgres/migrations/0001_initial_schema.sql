-- Users, policy, history and dead letters. The three history tables are partitioned by day on the time in their UUIDv7 ids.

-- The names in the catalogue of channels (schemas/channels.py); `herold db upgrade` inserts them.
create table channels (
    name text primary key
);

-- Whether a value is an object from channel to a list of addresses. The length is limited as in a notification (schemas/notification.py, Address).
create function are_addresses(addresses jsonb) returns boolean language sql immutable as $$
    select jsonb_typeof(addresses) = 'object' and not exists (
        select from jsonb_each(addresses) as entry (channel, list)
        where jsonb_typeof(list) <> 'array' or exists (
            select from jsonb_array_elements(case jsonb_typeof(list) when 'array' then list else '[]' end) as item (address)
            where jsonb_typeof(address) <> 'string' or length(address #>> '{}') not between 1 and 2048
        )
    )
$$;

create table users (
    id text primary key check (id <> ''),
    addresses jsonb not null default '{}' constraint users_addresses_valid check (are_addresses(addresses)),
    locale text not null default '',
    time_zone text not null default '',
    version bigint not null,
    updated_at timestamptz not null default now()
);
comment on column users.addresses is 'by channel: {"email": ["ada@example.org"], ...}; tokens of devices are in the table devices';

create table devices (
    user_id text not null references users on delete cascade,
    token text not null check (token <> ''),
    platform text not null default '',
    updated_at timestamptz not null default now(),
    primary key (user_id, token),
    constraint devices_token_at_most_2048 check (length(token) <= 2048)
);

-- One sequence for all users, so that a user who is deleted and created again gets a newer version than a cached profile.
create sequence user_version_seq;

create function bump_user_version() returns trigger language plpgsql as $$
begin
    new.version := nextval('user_version_seq');
    new.updated_at := now();
    return new;
end $$;

create trigger bump_version before insert or update on users for each row execute function bump_user_version();

create function bump_device_user_version() returns trigger language plpgsql as $$
begin
    update users set version = version where id in (old.user_id, new.user_id);
    return null;
end $$;

create trigger bump_version after insert or update or delete on devices for each row execute function bump_device_user_version();

create table rules (
    type text primary key,
    category text not null,
    priority text not null check (priority in ('high', 'medium', 'low')),
    channels text[] not null check (cardinality(channels) > 0),
    strategy text not null default 'all' check (strategy in ('all', 'first')),
    template text not null default '',
    mandatory boolean not null default false,
    version integer not null default 1,
    updated_at timestamptz not null default now()
);

-- The elements of an array cannot be foreign keys.
create function check_rule_channels() returns trigger language plpgsql as $$
begin
    if not new.channels <@ array(select name from channels) then
        raise foreign_key_violation using message = format('a channel of rule %s is not in the table channels: %s', new.type, new.channels);
    end if;
    return new;
end $$;

create trigger check_channels before insert or update on rules for each row execute function check_rule_channels();

create table templates (
    name text primary key,
    published_version integer not null default 1,
    updated_at timestamptz not null default now()
);

create table template_versions (
    name text not null references templates on delete cascade,
    version integer not null,
    channel text not null references channels,
    locale text not null default 'default',
    subject text not null default '',
    text text not null default '',
    html text not null default '',
    primary key (name, version, channel, locale)
);

create table rate_limits (
    channel text not null references channels,
    window_seconds integer not null check (window_seconds > 0),
    max_count integer not null check (max_count > 0),
    primary key (channel, window_seconds),
    -- Rows of the Faust table rate_windows are kept for seven days (schemas/policy.py, MAX_WINDOW_SECONDS), so they cannot count a longer window.
    constraint rate_limits_window_at_most_7_days check (window_seconds <= 604800)
);

-- A single row whose version increases with each change of rules, templates or rate limits.
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
comment on column notifications.deliveries is '[[delivery id, channel], ...]; a delivery without a row in deliveries is PENDING';
create index notifications_user_id_id_idx on notifications (user_id, id desc);

-- notification_id needs no index: the id of a delivery starts with the milliseconds of its notification's id, so queries use the primary key.
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

-- The id of a log row starts with the first 24 hex digits of its delivery's id, so queries for a delivery use the primary key.
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
    detail text not null default ''
) partition by range (id);

comment on column delivery_logs.detail is 'explanation for operators: the provider''s error text, or why no request was sent';

-- Rows whose day has no partition. `herold db check` reports them.
create table notifications_default partition of notifications default;
create table deliveries_default partition of deliveries default;
create table delivery_logs_default partition of delivery_logs default;

-- Returns the smallest UUIDv7 of a day (UTC): the first 48 bits are the milliseconds since 1970 (RFC 9562, section 5.7).
create function get_day_start_uuid(day date) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Creates the partition of a day if it is missing, and moves the day's rows from the default partition into it.
-- Returns whether the partition was created.
create function create_partition(parent text, day date) returns boolean language plpgsql as $$
declare
    partition_name text := parent || '_' || to_char(day, 'YYYYMMDD');
    lower_bound uuid := get_day_start_uuid(day);
    upper_bound uuid := get_day_start_uuid(day + 1);
begin
    if to_regclass(partition_name) is not null then
        return false;
    end if;
    execute format('create table %I (like %I including defaults including constraints)', partition_name, parent);
    execute format('with moved_rows as (delete from %I where id >= %L and id < %L returning *) insert into %I select * from moved_rows',
                   parent || '_default', lower_bound, upper_bound, partition_name);
    execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, partition_name, lower_bound, upper_bound);
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
comment on column dead_letters.created_at is 'timestamp of the record in the dead letter topic; part of the primary key, because offsets restart in a new cluster';
create index dead_letters_created_at_idx on dead_letters (created_at desc);
create index dead_letters_notification_id_idx on dead_letters (notification_id) where notification_id is not null;
