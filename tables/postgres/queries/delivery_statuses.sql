-- list_delivery_statuses: lists the latest decision on the notifications with the ids $1 of the users $2, with the status of each of the
-- deliveries that they name, and when each was read first; a notification without a status has one row. The millisecond of their ids is
-- that of a whole broadcast, so each is looked up. OFFSET keeps the planner from reading all deliveries to join them.
select
    asked.id, asked.user_id, notification.resume_count, notification.decided_at, notification.reason, notification.read_at,
    delivery.channel, delivery.status, delivery.read_at as delivery_read_at
from unnest($1::uuid[], $2::text[]) as asked (id, user_id)
cross join lateral (
    select resume_count, decided_at, reason, read_at, deliveries
    from notifications
    where notifications.id = asked.id and notifications.user_id = asked.user_id
    limit 1
) as notification
left join lateral (
    select channel, status, least(opened_at, clicked_at) as read_at
    from (select distinct substr(ref ->> 0, 5)::uuid as id from json_array_elements(notification.deliveries) as ref) as named
    cross join lateral (select * from deliveries where deliveries.id = named.id offset 0) as found
    where notification_id = asked.id and found.user_id = asked.user_id
) as delivery on true;
