-- newest: examines at most $5 deliveries with ids below $1 and from $3 on, newest first. This and the others are what `page` examines.
select row_number() over (order by id desc) as position, id as examined_id, notification_id as examined_notification_id, *
from deliveries
where id < $1::uuid and id >= $3::uuid and $2::uuid is not null and $4::text is null
order by id desc
limit $5

-- oldest: the same with ids above $1 and below $3, oldest first.
select row_number() over (order by id) as position, id as examined_id, notification_id as examined_notification_id, *
from deliveries
where id > $1::uuid and id < $3::uuid and $2::uuid is not null and $4::text is null
order by id
limit $5

-- newest_with_reason: as newest, among those with a reason: what failed, bounced or is tried again. They are few, and have an index.
select row_number() over (order by id desc) as position, id as examined_id, notification_id as examined_notification_id, *
from deliveries
where id < $1::uuid and id >= $3::uuid and $2::uuid is not null and $4::text is null and reason <> ''
order by id desc
limit $5

-- oldest_with_reason: as oldest, among those with a reason.
select row_number() over (order by id) as position, id as examined_id, notification_id as examined_notification_id, *
from deliveries
where id > $1::uuid and id < $3::uuid and $2::uuid is not null and $4::text is null and reason <> ''
order by id
limit $5

-- newest_of_user: examines the newest $5 notifications of the user $4 with their deliveries, below the delivery $1 of the notification $2. The id
-- of a delivery begins with the milliseconds of its notification's id.
select row_number() over (order by of_user.id desc, deliveries.id desc) as position,
       coalesce(deliveries.id, '00000000-0000-0000-0000-000000000000') as examined_id, of_user.id as examined_notification_id, deliveries.*
from (
    select id, user_id
    from notifications
    where user_id = $4 and id <= $2::uuid and id >= $3::uuid
    order by id desc
    limit $5
) as of_user
left join lateral (
    select *
    from deliveries
    where deliveries.id between (left(of_user.id::text, 13) || '-0000-0000-000000000000')::uuid and (left(of_user.id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid
      and notification_id = of_user.id and deliveries.user_id = of_user.user_id
      and (notification_id, deliveries.id) < ($2::uuid, $1::uuid)
) as deliveries on true

-- oldest_of_user: the same above the delivery $1 of the notification $2, oldest first.
select row_number() over (order by of_user.id, deliveries.id) as position,
       coalesce(deliveries.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as examined_id, of_user.id as examined_notification_id, deliveries.*
from (
    select id, user_id
    from notifications
    where user_id = $4 and id >= $2::uuid and id < $3::uuid
    order by id
    limit $5
) as of_user
left join lateral (
    select *
    from deliveries
    where deliveries.id between (left(of_user.id::text, 13) || '-0000-0000-000000000000')::uuid and (left(of_user.id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid
      and notification_id = of_user.id and deliveries.user_id = of_user.user_id
      and (notification_id, deliveries.id) > ($2::uuid, $1::uuid)
) as deliveries on true

-- page: the first $6 of the examined deliveries that match, with what their notifications say. Null filters match all: statuses $7,
-- channel $8, provider $9, reason $10; of the notification priority $11, category $12, type $13. $14 is the beginning of the ids of a
-- project's users; without it users of projects are left out. At least one row says what was examined.
with examined as materialized (
    {examined}
), matching as (
    select examined.*
    from examined
    left join lateral (
        select priority, category, type
        from notifications
        where coalesce($11, $12, $13) is not null and notifications.id = examined.notification_id and notifications.user_id = examined.user_id
        limit 1
    ) as notification on true
    where examined.id is not null
      and case when $14::text = '' then not starts_with(examined.user_id, '@') else starts_with(examined.user_id, $14) end
      and ($7::text[] is null or status = any($7))
      and ($8::text is null or channel = $8)
      and ($9::text is null or provider = $9)
      and ($10::text is null or reason = $10)
      and ($11::text is null or priority = $11)
      and ($12::text is null or category = $12)
      and ($13::text is null or type = $13)
    order by position
    limit $6
), last_examined as (
    select examined_id, examined_notification_id from examined order by position desc limit 1
)
select (select count(*) from examined) as examined_count, last_examined.examined_id as last_id,
       last_examined.examined_notification_id as last_notification_id, matching.*, notification.*
from (select) as always
left join last_examined on true
left join matching on true
left join lateral (
    select priority, category, type
    from notifications
    where notifications.id = matching.notification_id and notifications.user_id = matching.user_id
    limit 1
) as notification on true
order by matching.position
