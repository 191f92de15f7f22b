-- claim_broadcast: takes a broadcast in hand whose next page is due, the one that waits longest; returns it with its audience. What the same
-- worker left in hand is taken again. A time in ids that is too old for the router is replaced. Its project is the default one if there is
-- none with this name.
with next as (
    select id from broadcasts
    where state in ('pending', 'running') and (leased_until is null or leased_until < now() or leased_by = $1)
        and (next_page_at is null or next_page_at <= now())
    order by next_page_at nulls first, id
    limit 1
    for update skip locked
), claimed as (
    update broadcasts
    set state = 'running', started_at = coalesce(started_at, now()), leased_by = $1, leased_until = now() + make_interval(secs => $2),
        identified_at = case when identified_at > now() - make_interval(secs => $3) then identified_at else now() end
    from next where broadcasts.id = next.id
    returning broadcasts.id, audience_id, user_ids is not null as has_user_ids, notification, priority, rate, cursor, total_count,
        identified_at, project
)
select claimed.id, audience_id, has_user_ids, notification, priority, rate, cursor, total_count, identified_at, kind, filter,
    coalesce((select projects.id from projects where projects.id = claimed.project), '') as project
from claimed left join audiences on audiences.id = audience_id;

-- get_wait: gets the seconds until the next page of a broadcast is due that no worker has in hand; null if there is none.
select extract(epoch from min(coalesce(next_page_at, now())) - now())::float8 as seconds
from broadcasts
where state in ('pending', 'running') and (leased_until is null or leased_until < now());

-- renew_lease: keeps a broadcast in hand for longer, if the worker has it and it was neither paused nor cancelled.
update broadcasts set leased_until = now() + make_interval(secs => $3) where id = $1 and leased_by = $2 and state = 'running' returning id;

-- give_back: gives back a broadcast that a worker has in hand, without a page; of one that was cancelled what is produced is counted now.
update broadcasts set leased_by = '', leased_until = null, next_count_at = case when state = 'cancelled' then now() else next_count_at end
where id = $1 and leased_by = $2;

-- store_total: stores how many users there are, if the worker has the broadcast in hand and it still runs.
update broadcasts set total_count = $3 where id = $1 and leased_by = $2 and state = 'running' returning id;

-- store_page: moves the cursor from $2 to $3 after a page, and gives the broadcast back; whoever comes first does, whoever has the lease. One
-- that was paused or cancelled meanwhile stays so; what of the page was held is then cancelled by another count. The time in ids stays: a page that was produced before may have had another end. The next
-- page is due $6 seconds after this one was, not after its end, so that the rate is kept.
update broadcasts
set cursor = $3, expanded_count = expanded_count + $4, leased_by = '', leased_until = null,
    next_page_at = case when $6::float8 = 0 then now() else greatest(next_page_at, now() - interval '0.25 s') + make_interval(secs => $6) end,
    next_count_at = case when state = 'cancelled' then now() else next_count_at end,
    state = case when $5 and state = 'running' then 'done' else state end,
    ended_at = case when $5 and state = 'running' then now() else ended_at end
where id = $1 and cursor = $2 and state in ('running', 'paused', 'cancelled')
returning id;

-- fail_broadcast: ends a broadcast with an error, if the worker has it in hand.
update broadcasts set state = 'failed', error = $3, ended_at = now(), leased_by = '', leased_until = null where id = $1 and leased_by = $2;
