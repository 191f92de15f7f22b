-- get_notification: one notification
select * from notifications where id = $1;

-- list_notifications_by_user: a user's notifications below an id, newest first
select * from notifications where user_id = $1 and id < $2 order by id desc limit $3;

-- list_deliveries_by_notification: its deliveries with a row; their ids share its millisecond, $2 to $3
select * from deliveries where id between $2 and $3 and notification_id = $1 order by id;

-- list_deliveries_by_ids: those of the listed deliveries that have a row
select * from deliveries where id = any($1::uuid[]) and id between $2 and $3;

-- list_delivery_logs: all attempts of some deliveries of one millisecond, $2 to $3, oldest first
select * from delivery_logs where id between $2 and $3 and delivery_id = any($1::uuid[]) order by occurred_at, redrive_count, attempt;

-- count_notifications_by_state: notifications since an id by state and reason, with how many deliveries they list
select state, reason, count(*) as notifications, sum(json_array_length(deliveries)) as listed
from notifications where id >= $1 group by state, reason;

-- count_listed_deliveries: listed deliveries since an id by channel
select entry ->> 1 as channel, count(*) as listed
from notifications, json_array_elements(deliveries) entry where id >= $1 group by 1;

-- count_deliveries_by_status: deliveries with a row since an id by channel, status and reason
select channel, status, reason, count(*) as deliveries from deliveries where id >= $1 group by channel, status, reason;

-- count_attempts: attempts since an id, and how many of them may have been made twice
select count(*) as attempts, count(*) filter (where possible_duplicate) as possible_duplicates from delivery_logs where id >= $1;

-- count_in_flight: notifications since an id that are not final; $2 maps channels to the seconds in which a receipt may come, $3 is now
with over as (
    select notification_id, count(*) as deliveries from deliveries
    where id >= $1 and (status in ('FAILED', 'DELIVERED', 'BOUNCED', 'UNSUBSCRIBED')
        or status = 'SENT' and extract(epoch from updated_at) + coalesce(($2::json ->> channel)::float8, 0) <= $3)
    group by notification_id
)
select count(*) from notifications left join over on over.notification_id = id
where id >= $1 and (state = 'held' or state = 'routed' and json_array_length(notifications.deliveries) > coalesce(over.deliveries, 0));

-- compute_handover_latency: seconds from submission to the provider's first acceptance since an id, by priority
with accepted as (
    select delivery_id, min(occurred_at) as occurred_at from delivery_logs where id >= $1 and outcome = 'ACCEPTED' group by delivery_id
), taken as (
    select priority, extract(epoch from accepted.occurred_at - notifications.created_at)::float8 as seconds
    from accepted join deliveries on deliveries.id = delivery_id join notifications on notifications.id = notification_id
    where deliveries.id >= $1 and notifications.id >= $1
)
select priority, count(*), percentile_disc(0.5) within group (order by seconds) as p50, percentile_disc(0.99) within group (order by seconds) as p99
from taken group by priority;
