-- list_dead_letters: lists dead letters that the filter $1 selects, with ids below $2, newest first.
select id, created_at, state, cause, stage, reason, error, channel, type, account, outcome, provider_code, attempts, redrive_count, user_id,
    notification_id, delivery_id, source_topic, source_partition, source_offset, source_time, topic, "partition", "offset", truncated,
    octet_length(value) as value_bytes, redrive_id, ended_at, ended_by, discard_reason
from dead_letters
where id < $2 and selects_dead_letter($1::jsonb, dead_letters)
order by id desc
limit $3;

-- get_dead_letter: gets a dead letter with its bytes.
select *, octet_length(value) as value_bytes from dead_letters where id = $1;

-- list_causes: lists the causes of the dead letters that the filter $1 selects, the most frequent first, each with its newest dead letter.
with groups as (
    select cause, count(*) as count, count(*) filter (where state = 'open') as open_count, min(created_at) as first_seen_at,
        max(created_at) as last_seen_at
    from dead_letters
    where selects_dead_letter($1::jsonb, dead_letters)
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
    where dead_letters.cause = groups.cause and selects_dead_letter($1::jsonb, dead_letters)
    order by id desc
    limit 1
) example
order by groups.count desc, groups.cause;

-- discard: discards at most $5 open dead letters that the filter $1 selects, of these ids if $2 is not null; returns how many.
with selected as (
    select id from dead_letters
    where state = 'open' and ($2::uuid[] is null or id = any($2)) and selects_dead_letter($1::jsonb, dead_letters)
    order by id
    limit $5
    for update
), discarded as (
    update dead_letters set state = 'discarded', ended_at = now(), ended_by = $3, discard_reason = $4
    from selected where dead_letters.id = selected.id
    returning 1
)
select count(*) from discarded;
