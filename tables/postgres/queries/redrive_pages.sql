-- claim_redrive: takes a redrive in hand whose next page is due, the one that waits longest. What the same worker left in hand is taken
-- again.
with next as (
    select id from redrives
    where state in ('pending', 'running') and (leased_until is null or leased_until < now() or leased_by = $1)
        and (next_page_at is null or next_page_at <= now())
    order by next_page_at nulls first, id
    limit 1
    for update skip locked
)
update redrives
set state = 'running', started_at = coalesce(started_at, now()), leased_by = $1, leased_until = now() + make_interval(secs => $2)
from next where redrives.id = next.id
returning redrives.id, rate, include_delivered, extend_expiry, replacement, replacement_priority;

-- get_wait: gets the seconds until the next page of a redrive is due that no worker has in hand; null if there is none.
select extract(epoch from min(coalesce(next_page_at, now())) - now())::float8 as seconds
from redrives
where state in ('pending', 'running') and (leased_until is null or leased_until < now());

-- list_items: lists at most $2 dead letters of a redrive without a result, in the order of their ids; at most $3 bytes, but one in any case.
-- One of another project is missing.
with open as (
    select dead_letter_id, project
    from redrive_items join redrives on redrives.id = redrive_id
    where redrive_id = $1 and result is null
    order by dead_letter_id
    limit $2
), sized as (
    select dead_letter_id, open.project, row_number() over (order by dead_letter_id) as number,
        sum(coalesce(octet_length(value), 0)) over (order by dead_letter_id) as size
    from open left join dead_letters on id = dead_letter_id
)
select dead_letter_id, dead_letters.*, octet_length(value) as value_bytes
from sized left join dead_letters on id = dead_letter_id and coalesce(project_of(user_id) = sized.project, true)
where size <= $3 or number = 1
order by dead_letter_id;

-- lock_dead_letters: locks these dead letters, in the order of their ids as a discard does.
select from dead_letters where id = any($1::uuid[]) order by id for no key update;

-- take: marks the dead letters $2 that are open, and not in hand of another redrive, as those whose records $1 is about to produce. They must be
-- locked by an earlier statement, or what this one reads of other redrives could be older than the row of a dead letter.
update dead_letters set redrive_id = $1
where id = any($2::uuid[]) and state = 'open'
    and (redrive_id is null or redrive_id = $1 or exists (
        select from redrives
        where redrives.id = dead_letters.redrive_id and redrives.state in ('cancelled', 'failed', 'done')
            and (redrives.leased_until is null or redrives.leased_until < now())
    ))
returning id;

-- keep_lease: keeps a redrive in hand that still runs.
update redrives set leased_until = greatest(leased_until, now() + make_interval(secs => $2)) where id = $1 and state = 'running' returning id;

-- renew_lease: keeps what is produced of a redrive in hand, also if it was paused or cancelled since, until its results are stored.
update redrives set leased_until = now() + make_interval(secs => $3) where id = $1 and leased_by = $2;

-- list_states: lists the states of dead letters.
select id, state from dead_letters where id = any($1::uuid[]);

-- store_results: stores the results $3 of the dead letters $2 of a redrive, each once; returns those that are new.
update redrive_items set result = new.result
from unnest($2::uuid[], $3::text[]) as new (id, result)
where redrive_id = $1 and dead_letter_id = new.id and redrive_items.result is null
returning redrive_items.result;

-- mark_redriven: stores that the records of these dead letters are produced again.
update dead_letters set state = 'redriven', redrive_id = $1, ended_at = now(), ended_by = redrives.created_by
from redrives
where redrives.id = $1 and dead_letters.id = any($2::uuid[]) and dead_letters.state = 'open'
    and coalesce(project_of(dead_letters.user_id) = redrives.project, true);

-- give_back: counts $2 dead letters as redriven and those in $3 as skipped, and gives the redrive back. One that was paused or cancelled
-- meanwhile stays so. The next page is due $4 seconds after this one was, not after its end, so that the rate is kept.
update redrives
set redriven_count = redriven_count + $2, leased_by = '', leased_until = null,
    skipped_counts = (
        select coalesce(jsonb_object_agg(name, count), '{}')
        from (
            select name, sum(value::bigint) as count
            from (select * from jsonb_each_text(skipped_counts) union all select * from jsonb_each_text($3::jsonb)) as both_counts (name, value)
            group by name
        ) as summed
    ),
    next_page_at = case when $4::float8 = 0 then now() else greatest(next_page_at, now() - interval '0.25 s') + make_interval(secs => $4) end,
    state = case when state = 'running' and not is_open then 'done' else state end,
    ended_at = case when state = 'running' and not is_open then now() else ended_at end
from (select exists (select from redrive_items where redrive_id = $1 and result is null) as is_open) as rest
where id = $1
returning is_open;

-- fail_redrive: ends a redrive with an error, if the worker has it in hand.
update redrives set state = 'failed', error = $3, ended_at = now(), leased_by = '', leased_until = null where id = $1 and leased_by = $2;
