-- claim_count: takes the broadcast in hand whose count is due: first one that was cancelled, then the one that waits longest. What the same
-- worker left in hand is taken again.
with next as (
    select id from broadcasts
    where next_count_at <= now() and (count_leased_until is null or count_leased_until < now() or count_leased_by = $1)
    order by state = 'cancelled' desc, next_count_at, id
    limit 1
    for update skip locked
)
update broadcasts set count_leased_by = $1, count_leased_until = now() + make_interval(secs => $2)
from next where broadcasts.id = next.id
returning broadcasts.id, state, identified_ats, expanded_count, count_number, count_cursor, count_findings, counts,
    extract(epoch from now() - greatest(ended_at, cancelled_at))::float8 as age,
    coalesce(leased_until > now() - interval '10 s', false) as has_page; -- 10 s: until what a killed worker has produced is decided

-- get_wait: gets the seconds until the count of a broadcast is due that no worker has in hand; null if there is none.
select extract(epoch from min(next_count_at) - now())::float8 as seconds
from broadcasts
where next_count_at is not null and (count_leased_until is null or count_leased_until < now());

-- list_page: lists at most $5 notifications after ($1, $2) with ids up to $3. The steps of escalations are read for a cancel ($4) only: they
-- are in the decision log, which is large.
select id, user_id, state, reason, deliveries, case when state = 'merged' then duplicate_of end as merged_into,
    case when $4 and state = 'routed' and position('"escalates_at"' in decision_log::text) > 0 then decision_log::text end as steps
from notifications
where id >= $1 and id <= $3 and (id, user_id) > ($1, $2)
order by id, user_id
limit $5;

-- list_results: lists the statuses of the deliveries with these ids, which are between $2 and $3.
select id, status, reason from deliveries where id = any($1::uuid[]) and id between $2 and $3;

-- list_digests: lists what is in each digest of $1 and $2 (its id and user) that is held; the ids are between $3 and $4. What is in a digest is
-- of its user.
select digests.id, digests.user_id, array_agg(members.id) as member_ids
from unnest($1::uuid[], $2::text[]) as wanted (id, user_id)
join notifications as digests on digests.id = wanted.id and digests.user_id = wanted.user_id and digests.state = 'held'
join notifications as members
    on members.user_id = wanted.user_id and members.duplicate_of = wanted.id and members.state = 'merged'
where digests.id between $3 and $4
group by digests.id, digests.user_id;

-- store_page: moves the cursor from $3 to $4 after a page of the count with the number $2, and gives the broadcast back; the next page may come
-- at once.
update broadcasts
set count_cursor = $4, count_findings = $5, count_leased_by = '', count_leased_until = null, next_count_at = now()
where id = $1 and count_number = $2 and count_cursor = $3
returning id;

-- end_count: stores the result of the count with the number $2 after its last page, unless $6, and the time. The next count follows in $5
-- seconds; null: none does.
update broadcasts
set counts = case when $6 then counts else $4 end, counted_at = case when $6 then counted_at else now() end,
    count_number = count_number + 1, count_cursor = '', count_findings = null, count_leased_by = '', count_leased_until = null,
    next_count_at = now() + make_interval(secs => $5)
where id = $1 and count_number = $2 and count_cursor = $3
returning id;

-- postpone_count: gives the broadcast back, whose page after the cursor $3 of the count with the number $2 is due again in $4 seconds.
update broadcasts
set count_leased_by = '', count_leased_until = null, next_count_at = now() + make_interval(secs => $4)
where id = $1 and count_number = $2 and count_cursor = $3;
