-- lock_due_schedules: locks the schedules whose next run has come and that no other worker has locked, the one that waits longest first.
select id, name, cron, time_zone, start_at, end_at, missed, next_run_at, extract(epoch from now())::float8 as now
from schedules
where state = 'active' and next_run_at <= now()
order by next_run_at, id
limit $1
for update skip locked;

-- insert_runs: inserts a broadcast for each run of a schedule that has none yet; returns their ids.
insert into broadcasts (id, audience_id, user_ids, schedule_id, run_at, notification, priority, rate, created_by)
select run.id, audience_id, user_ids, schedules.id, run.at, notification, priority, rate, created_by
from schedules, unnest($2::uuid[], $3::timestamptz[]) as run (id, at)
where schedules.id = $1
on conflict (schedule_id, run_at) do nothing
returning id;

-- move_schedule: sets when a schedule runs next, null for never, and when it ran last, null if it did not.
update schedules
set next_run_at = $2, last_run_at = coalesce($3, last_run_at), state = case when $2::timestamptz is null then 'ended' else state end
where id = $1;

-- get_wait: gets the seconds until the next run of a schedule is due; null if none ever is.
select extract(epoch from min(next_run_at) - now())::float8 as seconds from schedules where state = 'active';
