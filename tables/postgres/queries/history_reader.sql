-- list_notifications_by_id: lists the notifications with an id, which are several if a producer gave it to several users; $2 may be null.
select * from notifications where id = $1 and ($2::text is null or user_id = $2);

-- list_notifications_by_user: lists the notifications of a user with ids below $2, newest first.
select * from notifications where user_id = $1 and id < $2 order by id desc limit $3;

-- list_deliveries_by_notification: lists the deliveries of a notification; $2 and $3 are the bounds of its millisecond, $4 is its user or null.
select * from deliveries where id between $2 and $3 and notification_id = $1 and ($4::text is null or user_id = $4) order by id;

-- list_deliveries_by_ids: lists the deliveries with these ids, which are between $2 and $3.
select * from deliveries where id = any($1::uuid[]) and id between $2 and $3;

-- list_delivery_logs: lists all attempts of some deliveries, oldest first; $2 and $3 are the bounds of their millisecond.
select * from delivery_logs where id between $2 and $3 and delivery_id = any($1::uuid[]) order by occurred_at, redrive_count, attempt;

-- count_notifications_by_state: counts the notifications since an id, and the deliveries they list, by state and reason.
select state, reason, count(*) as notifications, sum(json_array_length(deliveries)) as listed
from notifications where id >= $1 group by state, reason;

-- count_listed_deliveries: counts the listed deliveries of the notifications since an id by channel.
select ref ->> 1 as channel, count(*) as listed
from notifications, json_array_elements(deliveries) ref where id >= $1 group by 1;

-- count_deliveries_by_status: counts the deliveries since an id by channel, status and reason.
select channel, status, reason, count(*) as deliveries from deliveries where id >= $1 group by channel, status, reason;

-- count_attempts: counts the attempts since an id, and the possible duplicates among them.
select count(*) as attempts, count(*) filter (where possible_duplicate) as possible_duplicates from delivery_logs where id >= $1;

-- count_in_flight: counts the notifications since an id that are not final; $2 is a JSON object of receipt timeouts in seconds by channel, $3 is now.
with final_deliveries as (
    select notification_id, user_id, count(*) as deliveries from deliveries
    where id >= $1 and (status in ('FAILED', 'DELIVERED', 'BOUNCED', 'UNSUBSCRIBED')
        or status = 'SENT' and extract(epoch from updated_at) + coalesce(($2::json ->> channel)::float8, 0) <= $3)
    group by notification_id, user_id
)
select count(*) from notifications left join final_deliveries on final_deliveries.notification_id = id and final_deliveries.user_id = notifications.user_id
where id >= $1 and (state = 'held' or state = 'routed' and json_array_length(notifications.deliveries) > coalesce(final_deliveries.deliveries, 0));

-- compute_handover_latency: computes percentiles of the seconds from submission to the provider's first acceptance, since an id, by priority.
with first_acceptances as (
    select delivery_id, min(occurred_at) as occurred_at from delivery_logs where id >= $1 and outcome = 'ACCEPTED' group by delivery_id
), latencies as (
    select priority, extract(epoch from first_acceptances.occurred_at - notifications.created_at)::float8 as seconds
    from first_acceptances join deliveries on deliveries.id = delivery_id join notifications on notifications.id = notification_id and notifications.user_id = deliveries.user_id
    where deliveries.id >= $1 and notifications.id >= $1
)
select priority, count(*), percentile_disc(0.5) within group (order by seconds) as p50,
       percentile_disc(0.99) within group (order by seconds) as p99
from latencies group by priority;
