-- list_notifications_by_id: lists the notifications with an id, which are several if a producer gave it to several users; $2 may be null.
select * from notifications where id = $1 and ($2::text is null or user_id = $2);

-- list_notifications_by_user: lists the notifications of a user with ids below $2, newest first; of the type $4, or of all if it is null.
select * from notifications where user_id = $1 and id < $2 and ($4::text is null or type = $4) order by id desc limit $3;

-- list_deliveries_by_notification: lists the deliveries of a notification, those with the ids $5 and those among the first $6 between $2 and $3,
-- the bounds of its millisecond: that is all of it, unless a broadcast has made more. $4 is its user or null.
select *
from (
    select * from deliveries where id = any($5::uuid[]) and id between $2 and $3
    union
    select * from (select * from deliveries where id between $2 and $3 order by id limit $6) as nearby
) as found
where notification_id = $1 and ($4::text is null or user_id = $4)
order by id;

-- list_deliveries_by_ids: lists the deliveries with these ids, which are between $2 and $3.
select * from deliveries where id = any($1::uuid[]) and id between $2 and $3;

-- list_delivery_logs: lists all attempts of the deliveries $1, oldest first. Their ids begin with those of the deliveries: $2 and $3
-- are the bounds of each. OFFSET keeps the planner from reading those of other deliveries.
select logs.*
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (id, first, last)
cross join lateral (
    select * from delivery_logs where delivery_logs.id between wanted.first and wanted.last and delivery_id = wanted.id offset 0
) as logs
order by occurred_at, redrive_count, attempt;

-- list_user_counts: lists the counters of a user from the day $2 to the day $3, the latest first; each day is a look-up in the key.
select user_counts.day, user_counts.channel, user_counts.sent
from generate_series($2::date, $3::date, interval '1 day') as days (day)
join user_counts on user_counts.day = days.day::date and user_counts.user_id = $1
order by user_counts.day desc, user_counts.channel;

-- search_notifications: examines at most $5 notifications with keys below ($1, $2) and ids from $3 on, newest first, and returns the first $4 that
-- match. Null filters match all: user $6, type $7, category $8, state $9, priority $10, reason $11, channel $12. $13 is the
-- project whose notifications are wanted; empty: the default one. Rows that migration 0050 has not filled yet have none, so the user says it,
-- too. At least one row says what was examined, unless the page is full: PostgreSQL then examines no more than it needs. With projects the
-- bounds are a comparison of rows, as in delivery_list.sql: it leaves the planner no other way than the index by project.
with examined as materialized (
    select id, user_id, project, type, category, state, priority, reason, deliveries
    from notifications
    where {bounds} and id <= $1 and id >= $3
    order by {order}
    limit $5
), matching as materialized (
    select id, user_id
    from examined
    where ($6::text is null or user_id = $6)
      and case when $13::text = '' then not starts_with(user_id, '@') else starts_with(user_id, '@' || $13 || '/') end
      and ($7::text is null or type = $7)
      and ($8::text is null or category = $8)
      and ($9::text is null or state = $9)
      and ($10::text is null or priority = $10)
      and ($11::text is null or reason = $11)
      and ($12::text is null or exists (select from json_array_elements(deliveries) as delivery where delivery ->> 1 = $12))
    order by {order}
    limit $4
), last_examined as (
    select id as last_id, user_id as last_user_id, row_number() over (order by {order}) as examined_count
    from examined
    where (select count(*) from matching) < $4
    order by examined_count desc
    limit 1
)
select last_examined.*, notifications.*
from (select) as always
left join last_examined on true
left join (matching join notifications using (id, user_id)) on true
order by notifications.id desc, notifications.user_id desc;

-- bounds_of_all: where search_notifications reads without projects.
(id, user_id) < ($1::uuid, $2::text)

-- order_of_all: in which order that is.
id desc, user_id desc

-- bounds_of_project: where it reads with projects.
(project, id, user_id) <= ($13::text, $1::uuid, $2::text) and (project, id) >= ($13::text, $3::uuid) and (id, user_id) < ($1::uuid, $2::text)

-- order_of_project: in which order that is.
project desc, id desc, user_id desc

-- search_notifications_of_user: the same among the notifications of the user $6.
with examined as materialized (
    select id, user_id, type, category, state, priority, reason, deliveries
    from notifications
    where user_id = $6 and id < $1 and id >= $3 and $2::text is not null
    order by id desc
    limit $5
), matching as materialized (
    select id, user_id
    from examined
    where ($7::text is null or type = $7)
      and $13::text is not null
      and ($8::text is null or category = $8)
      and ($9::text is null or state = $9)
      and ($10::text is null or priority = $10)
      and ($11::text is null or reason = $11)
      and ($12::text is null or exists (select from json_array_elements(deliveries) as delivery where delivery ->> 1 = $12))
    order by id desc
    limit $4
), last_examined as (
    select id as last_id, user_id as last_user_id, row_number() over (order by id desc) as examined_count
    from examined
    where (select count(*) from matching) < $4
    order by examined_count desc
    limit 1
)
select last_examined.*, notifications.*
from (select) as always
left join last_examined on true
left join (matching join notifications using (id, user_id)) on true
order by notifications.id desc;
