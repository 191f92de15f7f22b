-- list_delivery_statuses: lists the latest decision on the notifications with the ids $1 of the users $2, with the status of each of their
-- deliveries, whose ids are between $3 and $4, and when each was read first; a notification without a status has one row.
select
    asked.id, asked.user_id, notification.resume_count, notification.decided_at, notification.reason, notification.read_at,
    delivery.channel, delivery.status, delivery.read_at as delivery_read_at
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) as asked (id, user_id, first_id, last_id)
cross join lateral (
    select resume_count, decided_at, reason, read_at from notifications where notifications.id = asked.id and notifications.user_id = asked.user_id
) as notification
left join lateral (
    select channel, status, least(opened_at, clicked_at) as read_at
    from deliveries
    where deliveries.id between asked.first_id and asked.last_id
        and notification_id = asked.id and deliveries.user_id = asked.user_id
) as delivery on true;
