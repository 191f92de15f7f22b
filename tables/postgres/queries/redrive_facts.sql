-- list_statuses: lists the status of some deliveries, whose ids are between $2 and $3.
select id, status, redrive_count from deliveries where id = any($1::uuid[]) and id between $2 and $3;

-- list_notifications: lists how often some notifications were redriven, by id and user.
select notifications.id, notifications.user_id, notifications.redrive_count
from unnest($1::uuid[], $2::text[]) as wanted (id, user_id)
join notifications on notifications.id = wanted.id and notifications.user_id = wanted.user_id;

-- list_delivered_elsewhere: lists the deliveries $1 whose notification was sent in another delivery after a time (epoch seconds). The
-- notifications are $2 and their users $3, and $4 are the times. The others are those that the notification names: the millisecond of their
-- ids is that of a whole broadcast. OFFSET keeps the planner from reading all deliveries to join them.
select wanted.id
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::float8[]) as wanted (id, notification_id, user_id, failed_at)
where exists (
    select
    from (
        select distinct substr(ref ->> 0, 5)::uuid as id
        from notifications cross join lateral json_array_elements(notifications.deliveries) as ref
        where notifications.id = wanted.notification_id and notifications.user_id = wanted.user_id
    ) as named
    cross join lateral (select * from deliveries where deliveries.id = named.id offset 0) as other
    where other.notification_id = wanted.notification_id and other.user_id = wanted.user_id and other.id <> wanted.id
        and other.status in ('SENT', 'DELIVERED') and other.updated_at > to_timestamp(wanted.failed_at)
    offset 0
);
