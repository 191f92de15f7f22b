-- list_dead_letters: lists dead letters that the filter $1 selects, of a project or of all, with ids below $2, newest first.
select id, created_at, state, cause, stage, reason, error, channel, type, account, outcome, provider_code, attempts, redrive_count, user_id,
    notification_id, delivery_id, source_topic, source_partition, source_offset, source_time, topic, "partition", "offset", truncated,
    octet_length(value) as value_bytes, redrive_id, ended_at, ended_by, discard_reason
from dead_letters
where id < $2 and selects_dead_letter($1::jsonb, dead_letters) and project_is($4)
order by id desc
limit $3;

-- list_dead_letters_in_project: the same of the project $4, without a filter. The comparison of rows, as in delivery_list.sql, leaves the planner no
-- other way than the index by project.
select id, created_at, state, cause, stage, reason, error, channel, type, account, outcome, provider_code, attempts, redrive_count, user_id,
    notification_id, delivery_id, source_topic, source_partition, source_offset, source_time, topic, "partition", "offset", truncated,
    octet_length(value) as value_bytes, redrive_id, ended_at, ended_by, discard_reason
from dead_letters
where (project, id) <= ($4::text, $2::uuid) and (project, id) >= ($4::text, '00000000-0000-0000-0000-000000000000') and id < $2
    and selects_dead_letter($1::jsonb, dead_letters)
order by project desc, id desc
limit $3;

-- get_dead_letter: gets a dead letter with its bytes.
select *, octet_length(value) as value_bytes from dead_letters where id = $1;

-- list_causes: lists the causes of the dead letters that the filter $1 selects, of a project or of all, the most frequent first, each with its newest dead letter.
with groups as (
    select cause, count(*) as count, count(*) filter (where state = 'open') as open_count, min(created_at) as first_seen_at,
        max(created_at) as last_seen_at
    from dead_letters
    where selects_dead_letter($1::jsonb, dead_letters) and project_is($3)
    group by cause
    order by count(*) desc, cause
    limit $2
)
select groups.count, groups.open_count, groups.first_seen_at, groups.last_seen_at, example.*
from groups cross join lateral (
    select id, created_at, state, cause, stage, reason, error, channel, type, account, outcome, provider_code, attempts, redrive_count, user_id,
        notification_id, delivery_id, source_topic, source_partition, source_offset, source_time, topic, "partition", "offset", truncated,
        octet_length(value) as value_bytes, redrive_id, ended_at, ended_by, discard_reason
    from dead_letters
    where dead_letters.cause = groups.cause and selects_dead_letter($1::jsonb, dead_letters) and project_is($3)
    order by id desc
    limit 1
) example
order by groups.count desc, groups.cause;

-- lock_selected: locks at most $4 open dead letters with ids above $3 that the filter $1 selects, of a project or of all, of these ids if $2 is
-- not null, in the order of their ids as a redrive does.
select id from dead_letters
where state = 'open' and id > $3 and ($2::uuid[] is null or id = any($2)) and selects_dead_letter($1::jsonb, dead_letters) and project_is($5)
order by id
limit $4
for no key update;

-- discard: discards those of these dead letters that no redrive is about to produce; returns how many. They must be locked by an earlier
-- statement, or what this one reads of redrives could be older than the row of a dead letter. One whose redrive cannot be seen, because it is of
-- another project, stays.
with discarded as (
    update dead_letters set state = 'discarded', ended_at = now(), ended_by = $2, discard_reason = $3
    where id = any($1::uuid[]) and state = 'open'
        and (redrive_id is null or exists (
            select from redrives
            where redrives.id = dead_letters.redrive_id and redrives.state in ('cancelled', 'failed', 'done')
                and (redrives.leased_until is null or redrives.leased_until < now())
        ))
    returning 1
)
select count(*) from discarded;

-- count_recent: counts the open dead letters, those of the last hour and those of the hour before it, each up to $1.
select
    (select count(*) from (select from dead_letters where state = 'open' limit $1) found) as open_count,
    (select count(*) from (select from dead_letters where created_at > now() - interval '1 hour' limit $1) found) as last_hour_count,
    (select count(*) from (
        select from dead_letters where created_at > now() - interval '2 hours' and created_at <= now() - interval '1 hour' limit $1
    ) found) as hour_before_count;
