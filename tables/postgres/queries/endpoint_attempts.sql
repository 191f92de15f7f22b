-- list_attempts: lists the attempts at an endpoint before the one at the time $2 with the id $3, the newest first, with the user and what their
-- notifications say; if $5, only those that were not accepted. The index has two runs of each endpoint, those that failed and those that did
-- not; each is read from where the page begins, in every partition, and no further than the page is long, if need be on into the run before it.
-- So no condition says which endpoint it is but the bound: of `endpoint_id = $1` PostgreSQL does not see that the indexes of partitions are in
-- order, and sorts all attempts at the endpoint. The bound is `<=`, because it expects no rows of `<` for the least of all endpoints, and then
-- sorts them, too. OFFSET keeps the planner from reading other deliveries to join them.
select attempts.id, attempts.delivery_id, attempts.occurred_at, attempts.redrive_count, attempts.attempt, attempts.outcome, attempts.status,
    attempts.reason, attempts.provider_code, attempts.duration_ms, attempts.possible_duplicate, attempts.detail, attempts.next_attempt_at,
    delivery.user_id, notification.id as notification_id, notification.type
from (
    (
        select *
        from (
            select * from delivery_logs
            where endpoint_id is not null and outcome <> ''
                and (endpoint_id, case outcome when 'ACCEPTED' then 1 else 0 end, occurred_at, id) <= ($1::uuid, 0, $2::timestamptz, $3::uuid)
            order by endpoint_id desc, case outcome when 'ACCEPTED' then 1 else 0 end desc, occurred_at desc, id desc limit $4 + 1
        ) as failed
        where endpoint_id = $1::uuid and outcome <> 'ACCEPTED' and (occurred_at, id) < ($2::timestamptz, $3::uuid)
    )
    union all
    (
        select *
        from (
            select * from delivery_logs
            where endpoint_id is not null and outcome <> ''
                and (endpoint_id, case outcome when 'ACCEPTED' then 1 else 0 end, occurred_at, id) <= ($1::uuid, 1, $2::timestamptz, $3::uuid)
                and not $5::boolean
            order by endpoint_id desc, case outcome when 'ACCEPTED' then 1 else 0 end desc, occurred_at desc, id desc limit $4 + 1
        ) as accepted
        where endpoint_id = $1::uuid and outcome = 'ACCEPTED' and (occurred_at, id) < ($2::timestamptz, $3::uuid)
    )
    order by occurred_at desc, id desc limit $4
) as attempts
left join lateral (
    select user_id, notification_id from deliveries where deliveries.id = attempts.delivery_id offset 0
) as delivery on true
left join lateral (
    select id, type from notifications
    where notifications.id = delivery.notification_id and notifications.user_id = delivery.user_id offset 0
) as notification on true
order by attempts.occurred_at desc, attempts.id desc;
