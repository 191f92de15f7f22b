-- Audiences, broadcasts to many users, and schedules that start broadcasts.

create sequence broadcasting_version_seq;

-- One sequence, so that what is deleted and created again under its name has a version that nobody has read.
create function raise_version_of_audience() returns trigger language plpgsql as $$
begin
    new.version := nextval('broadcasting_version_seq');
    new.updated_at := now();
    return new;
end $$;

create table audiences (
    id uuid primary key,
    name text not null unique check (length(name) between 1 and 128),
    kind text not null check (kind in ('list', 'filter')),
    filter jsonb check (jsonb_typeof(filter) = 'object'),
    description text not null default '',
    version bigint not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint audiences_filter_of_kind check ((kind = 'filter') = (filter is not null))
);
comment on column audiences.kind is 'list: its users are in audience_members; filter: the users who match it when it is read';
comment on column audiences.filter is 'conditions of schemas/audiences.py, AudienceFilter';

create trigger raise_version before insert or update on audiences for each row execute function raise_version_of_audience();

-- The order of bytes, in which users are paged.
create table audience_members (
    audience_id uuid not null references audiences on delete cascade,
    user_id text collate "C" not null references users on delete cascade,
    primary key (audience_id, user_id)
);
create index audience_members_user_id_idx on audience_members (user_id);

create table schedules (
    id uuid primary key,
    name text not null unique check (length(name) between 1 and 128),
    cron text not null,
    time_zone text not null,
    start_at timestamptz,
    end_at timestamptz,
    missed text not null default 'once' check (missed in ('skip', 'once', 'all')),
    notification jsonb not null check (jsonb_typeof(notification) = 'object'),
    priority text check (priority in ('high', 'medium', 'low')),
    audience_id uuid references audiences,
    user_ids text[],
    rate integer check (rate > 0),
    state text not null default 'active' check (state in ('active', 'paused', 'ended')),
    next_run_at timestamptz,
    last_run_at timestamptz,
    version bigint not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    created_by text not null,
    constraint schedules_audience_or_users check ((audience_id is null) <> (user_ids is null))
);
comment on column schedules.missed is 'what becomes of runs while no scheduler ran: none, one for all, or each';
comment on column schedules.priority is 'null: as the rule says, else low';
comment on column schedules.rate is 'users per second; null: as fast as it goes';
comment on column schedules.next_run_at is 'null: never again';
create index schedules_next_run_at_idx on schedules (next_run_at) where state = 'active';
create index schedules_audience_id_idx on schedules (audience_id) where audience_id is not null;

-- A run of a schedule is no change of it.
create function raise_version_of_schedule() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if to_jsonb(new) - '{version,updated_at,next_run_at,last_run_at}'::text[]
            = to_jsonb(old) - '{version,updated_at,next_run_at,last_run_at}'::text[] then
            new.version := old.version;
            return new;
        end if;
    end if;
    new.version := nextval('broadcasting_version_seq');
    new.updated_at := now();
    return new;
end $$;

create trigger raise_version before insert or update on schedules for each row execute function raise_version_of_schedule();

create table broadcasts (
    id uuid primary key,
    audience_id uuid references audiences on delete set null,
    audience_name text not null default '',
    user_ids text[],
    schedule_id uuid,
    run_at timestamptz,
    notification jsonb not null check (jsonb_typeof(notification) = 'object'),
    priority text check (priority in ('high', 'medium', 'low')),
    rate integer check (rate > 0),
    state text not null default 'pending' check (state in ('pending', 'running', 'paused', 'cancelled', 'done', 'failed')),
    cursor text not null default '',
    total_count bigint,
    expanded_count bigint not null default 0,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz,
    created_by text not null,
    error text not null default '',
    leased_by text not null default '',
    leased_until timestamptz,
    next_page_at timestamptz,
    identified_at timestamptz,
    version bigint not null default 1,
    unique (schedule_id, run_at)
);
comment on column broadcasts.audience_name is 'set from audience_id; it stays when the audience is deleted';
comment on column broadcasts.schedule_id is 'null: of no schedule. A broadcast outlives its schedule';
comment on column broadcasts.run_at is 'the time of the run of its schedule';
comment on column broadcasts.priority is 'null: as the rule says, else low';
comment on column broadcasts.rate is 'users per second; null: as fast as it goes';
comment on column broadcasts.cursor is 'the last user whose notification Kafka has acknowledged; users are paged in the order of bytes';
comment on column broadcasts.total_count is 'counted when it starts; null before';
comment on column broadcasts.leased_by is 'the worker that has a page of it in hand, until leased_until; empty: none';
comment on column broadcasts.next_page_at is 'not before this time, so that the rate is kept; null: at once';
comment on column broadcasts.identified_at is 'the time in the ids of its notifications, so that what is produced again has the same ids; renewed after 20 hours';
create index broadcasts_open_idx on broadcasts (id) where state in ('pending', 'running');
create index broadcasts_audience_id_idx on broadcasts (audience_id) where audience_id is not null;

create function set_audience_name() returns trigger language plpgsql as $$
begin
    if (new.audience_id is null) = (new.user_ids is null) then
        raise check_violation using message = 'a broadcast has either an audience or users', constraint = 'broadcasts_audience_or_users';
    end if;
    new.audience_name := coalesce((select name from audiences where id = new.audience_id), '');
    return new;
end $$;

create trigger set_audience_name before insert on broadcasts for each row execute function set_audience_name();
