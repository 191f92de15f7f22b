-- Dead letters get an id, a cause and a state; redrives send them again.

alter table dead_letters
    add column id uuid,
    add column cause text not null default '',
    add column channel text not null default '',
    add column type text not null default '',
    add column account text not null default '',
    add column outcome text not null default '',
    add column provider_code integer not null default 0,
    add column redrive_count integer not null default 0,
    add column source_time timestamptz,
    add column source_headers bytea,
    add column state text not null default 'open' check (state in ('open', 'redriven', 'discarded')),
    add column redrive_id uuid,
    add column ended_at timestamptz,
    add column ended_by text not null default '',
    add column discard_reason text not null default '';

-- The ids of those before this release are a hash of their position, too, by another function than that of the recorder. Their causes are
-- coarser: stage and reason.
update dead_letters
set cause = left(md5(stage || ' ' || reason), 16),
    channel = coalesce(substring(source_topic from 'deliveries\.([a-z]+)\.[a-z]+$'), ''),
    id = (lpad(to_hex(floor(extract(epoch from created_at) * 1000)::bigint), 12, '0') || '7'
        || left(md5(topic || ' ' || "partition" || ' ' || "offset"), 3) || '8'
        || substring(md5(topic || ' ' || "partition" || ' ' || "offset") from 4 for 15))::uuid;

-- The default is for a recorder of the release before, which goes on until it is replaced.
alter table dead_letters
    alter column id set not null,
    alter column id set default (lpad(to_hex(floor(extract(epoch from now()) * 1000)::bigint), 12, '0') || '7'
        || left(md5(random()::text), 3) || '8' || left(md5(random()::text), 15))::uuid;
create unique index dead_letters_id_idx on dead_letters (id);
create index dead_letters_cause_idx on dead_letters (cause, id);
create index dead_letters_open_idx on dead_letters (id) where state = 'open';

comment on column dead_letters.cause is 'a hash of stage, reason, provider''s code and error without ids, addresses and numbers';
comment on column dead_letters.redrive_count is 'how often its record had been redriven when it became a dead letter';
comment on column dead_letters.source_time is 'time of the record that could not be processed; of its first record if it was held';
comment on column dead_letters.source_headers is 'its headers: a JSON array of names and values in base64';
comment on column dead_letters.state is 'open: nobody has dealt with it; redriven: its record was produced again; discarded: it never will be';
comment on column dead_letters.redrive_id is 'the redrive that has produced its record again';

-- What a redrive sends is fixed when it is created; what has a result is done, whatever ends the worker meanwhile.
create table redrives (
    id uuid primary key,
    selection jsonb not null check (jsonb_typeof(selection) = 'object'),
    replacement bytea,
    replacement_priority text check (replacement_priority in ('high', 'medium', 'low')),
    include_delivered boolean not null default false,
    extend_expiry integer check (extend_expiry > 0),
    rate integer check (rate > 0),
    reason text not null default '',
    state text not null default 'pending' check (state in ('pending', 'running', 'paused', 'cancelled', 'done', 'failed')),
    total_count bigint not null,
    redriven_count bigint not null default 0,
    skipped_counts jsonb not null default '{}' check (jsonb_typeof(skipped_counts) = 'object'),
    created_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz,
    created_by text not null,
    error text not null default '',
    leased_by text not null default '',
    leased_until timestamptz,
    next_page_at timestamptz
);
comment on column redrives.selection is 'the filter or the ids of the request';
comment on column redrives.replacement is 'the value that replaces the one of the only dead letter';
comment on column redrives.extend_expiry is 'seconds: what has expired gets so long from when it is produced; null: it is skipped';
comment on column redrives.rate is 'dead letters per second; null: as fast as it goes';
comment on column redrives.skipped_counts is 'how many dead letters were not produced again, by reason';
comment on column redrives.leased_by is 'the worker that has a page of it in hand, until leased_until; empty: none';
create index redrives_open_idx on redrives (id) where state in ('pending', 'running');

create table redrive_items (
    redrive_id uuid not null references redrives on delete cascade,
    dead_letter_id uuid not null,
    result text,
    primary key (redrive_id, dead_letter_id)
);
comment on column redrive_items.result is 'redriven, or why it was not; null: not yet decided';
create index redrive_items_open_idx on redrive_items (redrive_id, dead_letter_id) where result is null;

-- A notification that was redriven is decided again.
alter table notifications add column redrive_count smallint not null default 0;
comment on column notifications.redrive_count is 'how often it was redriven before this decision';

-- Whether a filter of schemas/dead_letters.py, as JSON, selects a dead letter: it has all of what the filter gives.
create function selects_dead_letter(selection jsonb, one dead_letters) returns boolean language sql immutable as $$
    select (selection ->> 'reason' is null or one.reason = selection ->> 'reason')
        and (selection ->> 'stage' is null or one.stage = selection ->> 'stage')
        and (selection ->> 'channel' is null or one.channel = selection ->> 'channel')
        and (selection ->> 'type' is null or one.type = selection ->> 'type')
        and (selection ->> 'user_id' is null or one.user_id = selection ->> 'user_id')
        and (selection ->> 'notification_id' is null or one.notification_id = substr(selection ->> 'notification_id', 5)::uuid)
        and (selection ->> 'account' is null or one.account = selection ->> 'account')
        and (selection ->> 'state' is null or one.state = selection ->> 'state')
        and (selection ->> 'cause' is null or one.cause = selection ->> 'cause')
        and (selection ->> 'since' is null or one.created_at >= to_timestamp((selection ->> 'since')::float8))
        and (selection ->> 'max_redrive_count' is null or one.redrive_count <= (selection ->> 'max_redrive_count')::int)
        and (selection ->> 'until' is null or one.created_at < to_timestamp((selection ->> 'until')::float8))
$$;
