-- insert_broadcast: inserts a broadcast; returns nothing if there is one with this id.
insert into broadcasts (id, audience_id, user_ids, notification, priority, rate, created_by) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do nothing
returning id;

-- get_broadcast: gets a broadcast.
select id, audience_name, coalesce(cardinality(user_ids), 0) as user_count, schedule_id, run_at, notification, priority, rate, state,
    total_count, expanded_count, created_at, started_at, ended_at, created_by, error, version
from broadcasts
where id = $1;

-- list_broadcasts: lists broadcasts with ids below one, newest first: of a state, an audience and a schedule if they are given.
select id, audience_name, coalesce(cardinality(user_ids), 0) as user_count, schedule_id, run_at, notification, priority, rate, state,
    total_count, expanded_count, created_at, started_at, ended_at, created_by, error, version
from broadcasts
where id < $1 and ($2::text is null or state = $2) and ($3::text is null or audience_name = $3) and ($4::uuid is null or schedule_id = $4)
order by id desc
limit $5;

-- lock_broadcast: locks a broadcast, and gets its state.
select state from broadcasts where id = $1 for no key update;

-- change_state: changes the state of a broadcast. One that goes on begins at once, and without the error that it may have.
update broadcasts
set state = $2, version = version + 1, error = case when $2 = 'running' then '' else error end,
    ended_at = case when $2 = 'cancelled' then now() end, next_page_at = case when $2 = 'running' then now() else next_page_at end
where id = $1;

-- list_running_at: lists the broadcasts that ran at a time (epoch seconds).
select id from broadcasts
where started_at <= to_timestamp($1) + interval '1 s' and (ended_at is null or ended_at >= to_timestamp($1) - interval '1 s')
order by id desc;
