-- How many notifications, deliveries, hand-overs and engagements there are, by the minute of submission. The recorder counts in the transaction
-- that changes the history, so that at any time the counts are those of its rows (docs/decisions/0063). What was recorded before is not counted.

create function floor_to_minute(at timestamptz) returns bigint language sql immutable parallel safe
    return (floor(extract(epoch from at) / 60) * 60)::bigint;

-- What counts have in common, each combination once: a row of the history and of the counts has its number instead of six texts.
create table count_labels (
    id integer generated always as identity primary key,
    project text collate "C" not null,
    type text not null,
    category text not null,
    priority text not null,
    template text not null,
    is_test boolean not null,
    unique (project, type, category, priority, template, is_test)
);

create table history_counts (
    step integer not null check (step in (60, 3600, 86400)),
    at bigint not null,
    kind text collate "C" not null check (kind in ('notification', 'delivery', 'handover', 'engagement')),
    labels_id integer not null references count_labels,
    channel text collate "C" not null,
    provider text collate "C" not null,
    name text collate "C" not null,
    reason text collate "C" not null,
    count bigint not null,
    primary key (kind, at, step, labels_id, channel, provider, name, reason)
) with (fillfactor = 70);
comment on column history_counts.step is 'seconds that the row counts: minutes become hours, and hours days';
comment on column history_counts.at is 'beginning of the step, epoch seconds: when the notification was submitted';
comment on column history_counts.name is 'a state, a status, an upper bound of seconds until hand-over, or opened and clicked';
comment on column history_counts.count is 'a row of minutes may be below 0 until it is added to the hour that has the rest';

alter table notifications add column labels_id integer;
comment on column notifications.labels_id is 'as what it is counted; null: it is not, because it is older than 0041';
alter table deliveries
    add column labels_id integer,
    add column due_at timestamptz;
comment on column deliveries.labels_id is 'as what it is counted; null: it is not, because it is older than 0041, or a webhook of Herold''s own';
comment on column deliveries.due_at is 'when what was held was released, from which its target counts; null: it was not held';

-- A request sees the counts of its project only (0027).
do $$
begin
    alter table count_labels enable row level security;
    alter table history_counts enable row level security;
    create policy all_rows on count_labels using (true) with check (true);
    create policy all_rows on history_counts using (true) with check (true);
    create policy own_project on count_labels as restrictive to herold_project
        using (coalesce(current_setting('herold.project', true), '') in ('', ':' || project))
        with check (coalesce(current_setting('herold.project', true), '') in ('', ':' || project));
    create policy own_project on history_counts as restrictive to herold_project
        using (labels_id in (select id from count_labels)) with check (labels_id in (select id from count_labels));
    grant select on count_labels, history_counts to herold_project;
    if exists (select from pg_roles where rolname = 'herold_app') then
        grant select, insert, update, delete on count_labels, history_counts to herold_app;
    end if;
end $$;
