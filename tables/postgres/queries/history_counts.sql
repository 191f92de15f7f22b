-- insert_labels: inserts the labels that are missing.
insert into count_labels (project, type, category, priority, template, is_test)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[])
order by 1, 2, 3, 4, 5, 6
on conflict do nothing;

-- list_labels: lists the ids of labels, in no order.
select count_labels.*
from count_labels
join unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[]) as given (project, type, category, priority, template, is_test)
    using (project, type, category, priority, template, is_test);

-- count_labels: counts the labels.
select count(*) from count_labels;

-- add_counts: adds to the counts of minutes; the rows are in the order of the key.
insert into history_counts as old (step, kind, at, labels_id, channel, provider, name, reason, count)
select 60, * from unnest($1::text[], $2::bigint[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
on conflict (kind, at, step, labels_id, channel, provider, name, reason) do update set count = old.count + excluded.count;

-- list_hours: lists the hours before $2 that have counts of steps of $1 seconds.
select distinct at / 3600 * 3600 as hour from history_counts where step = $1 and at < $2 order by 1;

-- fold_counts: adds the counts of steps of $1 seconds from $3 until $4 to those of $2 seconds. A sum of 0 needs no row. The rows are locked in the
-- order in which commits change them, so that neither waits for the other.
with locked as materialized (
    select kind, at, step, labels_id, channel, provider, name, reason
    from history_counts
    where step = $1 and at >= $3 and at < $4
    order by kind, at, labels_id, channel, provider, name, reason
    for update
), taken as (
    delete from history_counts using locked
    where (history_counts.kind, history_counts.at, history_counts.step, history_counts.labels_id) = (locked.kind, locked.at, locked.step, locked.labels_id)
        and (history_counts.channel, history_counts.provider, history_counts.name, history_counts.reason)
            = (locked.channel, locked.provider, locked.name, locked.reason)
    returning history_counts.*
)
insert into history_counts as old (step, kind, at, labels_id, channel, provider, name, reason, count)
select $2::int, kind, at / $2::int * $2::int, labels_id, channel, provider, name, reason, sum(count)
from taken
group by 2, 3, 4, 5, 6, 7, 8
having sum(count) <> 0
order by 2, 3, 4, 5, 6, 7, 8
on conflict (kind, at, step, labels_id, channel, provider, name, reason) do update set count = old.count + excluded.count;

-- delete_old_counts: deletes the first $2 counts before a time, and says how many there were. They are locked as fold_counts does.
with locked as materialized (
    select kind, at, step, labels_id, channel, provider, name, reason
    from history_counts
    where at < $1
    order by kind, at, step, labels_id, channel, provider, name, reason
    limit $2
    for update
), deleted as (
    delete from history_counts using locked
    where (history_counts.kind, history_counts.at, history_counts.step, history_counts.labels_id) = (locked.kind, locked.at, locked.step, locked.labels_id)
        and (history_counts.channel, history_counts.provider, history_counts.name, history_counts.reason)
            = (locked.channel, locked.provider, locked.name, locked.reason)
    returning history_counts.at
)
select count(*) as count from deleted;

-- count_history: counts the history of minutes from $1 on, as the recorder does; $2 are the bounds of hand-overs in microseconds, $3 their names.
-- Of an attempt the delivery's submission and release count; the ids of both begin with the same time.
select 'notification' as kind, minute as at, labels_id, '' as channel, '' as provider, state as name, reason, count(*)
from notifications, floor_to_minute(created_at) as minute
where labels_id is not null and minute >= $1
group by 2, 3, 6, 7
union all
select 'delivery', minute, labels_id, channel, provider, status, reason, count(*)
from deliveries, floor_to_minute(created_at) as minute
where labels_id is not null and minute >= $1
group by 2, 3, 4, 5, 6, 7
union all
select 'engagement', minute, labels_id, channel, '', event, '', count(*)
from deliveries, floor_to_minute(created_at) as minute, (values ('opened'), ('clicked')) as kinds (event)
where labels_id is not null and minute >= $1 and case event when 'opened' then opened_at is not null else clicked_at is not null end
group by 2, 3, 4, 6
union all
select 'handover', minute, labels_id, channel, '', ($3::text[])[coalesce((
           select min(place) from unnest($2::bigint[]) with ordinality as bounds (bound, place)
           where bound >= (extract(epoch from occurred_at - coalesce(due_at, created_at)) * 1000000)::bigint
       ), cardinality($3::text[]))], '', count(*)
from delivery_logs join deliveries on deliveries.id = delivery_logs.delivery_id, floor_to_minute(created_at) as minute
where labels_id is not null and minute >= $1 and delivery_logs.outcome = 'ACCEPTED' and delivery_logs.redrive_count = 0
group by 2, 3, 4, 6;
