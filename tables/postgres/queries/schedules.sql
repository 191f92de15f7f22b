-- get_schedule: gets a schedule by its name, with its users.
select schedules.id, schedules.name, cron, time_zone, start_at, end_at, missed, notification, priority, coalesce(audiences.name, '') as audience,
    user_ids, coalesce(cardinality(user_ids), 0) as user_count, rate, state, next_run_at, last_run_at, schedules.version,
    schedules.created_at, schedules.updated_at, created_by
from schedules left join audiences on audiences.id = audience_id
where schedules.name = $1;

-- list_schedules: lists schedules after a name whose names contain a text, in the order of names, without their users; of a state if one is
-- given.
select schedules.id, schedules.name, cron, time_zone, start_at, end_at, missed, notification, priority, coalesce(audiences.name, '') as audience,
    null::text[] as user_ids, coalesce(cardinality(user_ids), 0) as user_count, rate, state, next_run_at, last_run_at, schedules.version,
    schedules.created_at, schedules.updated_at, created_by
from schedules left join audiences on audiences.id = audience_id
where schedules.name collate "C" > $1 and position($2 in schedules.name) > 0 and ($3::text is null or state = $3)
order by schedules.name collate "C"
limit $4;

-- insert_schedule: inserts a schedule; returns nothing if there is one with this name.
insert into schedules (
    id, name, cron, time_zone, start_at, end_at, missed, notification, priority, audience_id, user_ids, rate, next_run_at, created_by
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (name) do nothing
returning id;

-- lock_schedule: locks a schedule by its name.
select id, cron, time_zone, start_at, end_at, state, next_run_at, version from schedules where name = $1 for update;

-- update_schedule: replaces what a schedule is; one that has ended is active again if it has a next run.
update schedules
set cron = $2, time_zone = $3, start_at = $4, end_at = $5, missed = $6, notification = $7, priority = $8, audience_id = $9, user_ids = $10,
    rate = $11, next_run_at = $12, state = case when state = 'paused' then 'paused' when $12::timestamptz is null then 'ended' else 'active' end
where id = $1;

-- change_state: changes the state of a schedule, and when it runs next.
update schedules set state = $2, next_run_at = $3 where id = $1;

-- insert_run: starts a run of a schedule now, as a broadcast.
insert into broadcasts (id, audience_id, user_ids, schedule_id, run_at, notification, priority, rate, created_by)
select $2, audience_id, user_ids, id, now(), notification, priority, rate, $3 from schedules where id = $1;

-- delete_schedule: deletes a schedule; its broadcasts stay.
delete from schedules where id = $1;
