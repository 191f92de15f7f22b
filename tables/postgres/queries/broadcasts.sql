-- insert_broadcast: inserts a broadcast; returns nothing if there is one with this id.
insert into broadcasts (id, audience_id, user_ids, notification, priority, rate, created_by) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do nothing
returning id;

-- get_broadcast: gets a broadcast.
select id, audience_name, coalesce(cardinality(user_ids), 0) as user_count, schedule_id, run_at, notification, priority, rate, state,
    total_count, expanded_count, created_at, started_at, ended_at, created_by, error, version, counts, counted_at, count_findings,
    next_count_at is not null as has_next_count, coalesce(leased_until > now() - interval '10 s', false) as has_page
from broadcasts
where id = $1;

-- list_broadcasts: lists broadcasts with ids below one, newest first: of a state, an audience and a schedule if they are given, and with a text in their type or audience.
select id, audience_name, coalesce(cardinality(user_ids), 0) as user_count, schedule_id, run_at, notification, priority, rate, state,
    total_count, expanded_count, created_at, started_at, ended_at, created_by, error, version, counts, counted_at, count_findings,
    next_count_at is not null as has_next_count, coalesce(leased_until > now() - interval '10 s', false) as has_page
from broadcasts
where id < $1 and ($2::text is null or state = $2) and ($3::text is null or audience_name = $3) and ($4::uuid is null or schedule_id = $4)
    and ($6 = '' or position(lower($6) in lower(audience_name)) > 0 or position(lower($6) in lower(notification ->> 'type')) > 0)
order by id desc
limit $5;

-- lock_broadcast: locks a broadcast, and gets its state.
select state from broadcasts where id = $1 for no key update;

-- change_state: changes the state of a broadcast. One that goes on begins at once, and without the error that it may have. What became of it is
-- counted once more; a count that was begun before a cancel is void, because its next pages do not say what waited on the first ones.
update broadcasts
set state = $2, version = version + 1, error = case when $2 = 'running' then '' else error end,
    ended_at = case when $2 = 'cancelled' then coalesce(ended_at, now()) end,
    cancelled_at = case when $2 = 'cancelled' then now() end,
    next_page_at = case when $2 = 'running' then now() else next_page_at end,
    next_count_at = case when identified_at is not null then now() end,
    count_number = case when $2 = 'cancelled' then count_number + 1 else count_number end,
    count_cursor = case when $2 = 'cancelled' then '' else count_cursor end,
    count_findings = case when $2 = 'cancelled' then null else count_findings end
where id = $1;

-- list_running_at: lists the broadcasts that ran at a time (epoch seconds).
select id from broadcasts
where started_at <= to_timestamp($1) + interval '1 s' and (ended_at is null or ended_at >= to_timestamp($1) - interval '1 s')
order by id desc;
