-- newest: examines at most $5 deliveries with ids below $1 and from $3 on, newest first. This and the others are what `page` examines.
select id as examined_id, notification_id as examined_notification_id, *
from deliveries
where id < $1::uuid and id >= $3::uuid and $2::uuid is not null and $4::text is null
order by examined_id desc
limit $5

-- oldest: the same with ids above $1 and below $3, oldest first.
select id as examined_id, notification_id as examined_notification_id, *
from deliveries
where id > $1::uuid and id < $3::uuid and $2::uuid is not null and $4::text is null
order by examined_id
limit $5

-- newest_with_reason: as newest, among those with a reason: what failed, bounced or is tried again. They are few, and have an index.
select id as examined_id, notification_id as examined_notification_id, *
from deliveries
where id < $1::uuid and id >= $3::uuid and $2::uuid is not null and $4::text is null and reason <> ''
order by examined_id desc
limit $5

-- oldest_with_reason: as oldest, among those with a reason.
select id as examined_id, notification_id as examined_notification_id, *
from deliveries
where id > $1::uuid and id < $3::uuid and $2::uuid is not null and $4::text is null and reason <> ''
order by examined_id
limit $5

-- newest_in_project: as newest, among those of the project $14. The comparison of rows instead of `project = $14` leaves the planner no other way than
-- the index by project: it would take the one by id for a project of which it knows too little, and read those of all others. Of `<` it would
-- expect nothing of the default project, whose name is the least, and sort all of it; so the ids alone leave out the bounds.
select id as examined_id, notification_id as examined_notification_id, *
from deliveries
where (project, id) <= ($14::text, $1::uuid) and (project, id) >= ($14::text, $3::uuid) and id < $1::uuid and id >= $3::uuid
    and $2::uuid is not null and $4::text is null
order by project desc, examined_id desc
limit $5

-- oldest_in_project: as oldest, among those of the project $14.
select id as examined_id, notification_id as examined_notification_id, *
from deliveries
where (project, id) >= ($14::text, $1::uuid) and (project, id) <= ($14::text, $3::uuid) and id > $1::uuid and id < $3::uuid
    and $2::uuid is not null and $4::text is null
order by project, examined_id
limit $5

-- newest_in_project_with_reason: as newest_in_project, among those with a reason.
select id as examined_id, notification_id as examined_notification_id, *
from deliveries
where (project, id) <= ($14::text, $1::uuid) and (project, id) >= ($14::text, $3::uuid) and id < $1::uuid and id >= $3::uuid
    and $2::uuid is not null and $4::text is null and reason <> ''
order by project desc, examined_id desc
limit $5

-- oldest_in_project_with_reason: as oldest_in_project, among those with a reason.
select id as examined_id, notification_id as examined_notification_id, *
from deliveries
where (project, id) >= ($14::text, $1::uuid) and (project, id) <= ($14::text, $3::uuid) and id > $1::uuid and id < $3::uuid
    and $2::uuid is not null and $4::text is null and reason <> ''
order by project, examined_id
limit $5

-- newest_of_user: examines the newest $5 notifications of the user $4 with the deliveries that they name, below the delivery $1 of the
-- notification $2. Each is looked up by its id: the millisecond of the notification's may be that of a whole broadcast. OFFSET keeps the
-- planner from reading all deliveries to join them.
select coalesce(deliveries.id, '00000000-0000-0000-0000-000000000000') as examined_id, of_user.id as examined_notification_id, deliveries.*
from (
    select id, user_id, deliveries
    from notifications
    where user_id = $4 and id <= $2::uuid and id >= $3::uuid
    order by id desc
    limit $5
) as of_user
left join lateral (
    select deliveries.*
    from (select distinct substr(ref ->> 0, 5)::uuid as id from json_array_elements(of_user.deliveries) as ref) as named
    cross join lateral (select * from deliveries where deliveries.id = named.id offset 0) as deliveries
    where notification_id = of_user.id and deliveries.user_id = of_user.user_id and (notification_id, deliveries.id) < ($2::uuid, $1::uuid)
) as deliveries on true
order by examined_notification_id desc, examined_id desc

-- oldest_of_user: the same above the delivery $1 of the notification $2, oldest first.
select coalesce(deliveries.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as examined_id, of_user.id as examined_notification_id, deliveries.*
from (
    select id, user_id, deliveries
    from notifications
    where user_id = $4 and id >= $2::uuid and id < $3::uuid
    order by id
    limit $5
) as of_user
left join lateral (
    select deliveries.*
    from (select distinct substr(ref ->> 0, 5)::uuid as id from json_array_elements(of_user.deliveries) as ref) as named
    cross join lateral (select * from deliveries where deliveries.id = named.id offset 0) as deliveries
    where notification_id = of_user.id and deliveries.user_id = of_user.user_id and (notification_id, deliveries.id) > ($2::uuid, $1::uuid)
) as deliveries on true
order by examined_notification_id, examined_id

-- newest_of_tests: examines the newest $5 notifications of tests with their deliveries, as newest_of_user does those of a user; they have an index,
-- because they are few.
select coalesce(deliveries.id, '00000000-0000-0000-0000-000000000000') as examined_id, of_tests.id as examined_notification_id, deliveries.*
from (
    select id, user_id, deliveries
    from notifications
    where is_test and id <= $2::uuid and id >= $3::uuid and $4::text is null
    order by id desc
    limit $5
) as of_tests
left join lateral (
    select deliveries.*
    from (select distinct substr(ref ->> 0, 5)::uuid as id from json_array_elements(of_tests.deliveries) as ref) as named
    cross join lateral (select * from deliveries where deliveries.id = named.id offset 0) as deliveries
    where notification_id = of_tests.id and deliveries.user_id = of_tests.user_id and (notification_id, deliveries.id) < ($2::uuid, $1::uuid)
) as deliveries on true
order by examined_notification_id desc, examined_id desc

-- oldest_of_tests: the same, oldest first.
select coalesce(deliveries.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') as examined_id, of_tests.id as examined_notification_id, deliveries.*
from (
    select id, user_id, deliveries
    from notifications
    where is_test and id >= $2::uuid and id < $3::uuid and $4::text is null
    order by id
    limit $5
) as of_tests
left join lateral (
    select deliveries.*
    from (select distinct substr(ref ->> 0, 5)::uuid as id from json_array_elements(of_tests.deliveries) as ref) as named
    cross join lateral (select * from deliveries where deliveries.id = named.id offset 0) as deliveries
    where notification_id = of_tests.id and deliveries.user_id = of_tests.user_id and (notification_id, deliveries.id) > ($2::uuid, $1::uuid)
) as deliveries on true
order by examined_notification_id, examined_id

-- page: the first $6 of the examined deliveries that match, with what their notifications say. Null filters match all: statuses $7,
-- channel $8, provider $9, reason $10; of the notification priority $11, category $12, type $13, template $15, test $16. $14 is the project
-- whose deliveries are wanted; empty: the default one. Rows that migration 0050 has not filled yet have none, so the user says it, too. The
-- template of a channel is in the entry of the gate rendering, as `name@version locale`. It is looked for in the text of the log: the functions of JSON reject the character NUL, which other
-- entries may quote. At least one row says what was examined, unless the page is full: PostgreSQL then examines no more than it needs, because
-- both parts have the order in which what is examined comes.
with examined as materialized (
    {examined}
), matching as materialized (
    select examined.*
    from examined
    left join lateral (
        select priority, category, type, is_test, $15::text is not null and exists (
            select from (select '"' || examined.channel || '":"' || trim('"' from to_json($15 || '@')::text) as start) as wanted,
                regexp_matches(decision_log::text, '\["rendering",[^{]*\{([^}]*)\}', 'g') as entry (inputs)
            where strpos(decision_log::text, start) > 0 and strpos(inputs[1], start) > 0
              and substr(inputs[1], strpos(inputs[1], start) + length(start)) ~ '^[0-9]+ '
        ) as has_template
        from notifications
        where coalesce($11, $12, $13, $15, $16::boolean::text) is not null
          and notifications.id = examined.notification_id and notifications.user_id = examined.user_id
        limit 1
    ) as notification on true
    where examined.id is not null
      and case when $14::text = '' then not starts_with(examined.user_id, '@') else starts_with(examined.user_id, '@' || $14 || '/') end
      and ($7::text[] is null or status = any($7))
      and ($8::text is null or channel = $8)
      and ($9::text is null or provider = $9)
      and ($10::text is null or reason = $10)
      and ($11::text is null or priority = $11)
      and ($12::text is null or category = $12)
      and ($13::text is null or type = $13)
      and ($15::text is null or has_template)
      and ($16::boolean is null or is_test = $16)
    order by {order}
    limit $6
), last_examined as (
    select examined_id as last_id, examined_notification_id as last_notification_id, row_number() over (order by {order}) as examined_count
    from examined
    where (select count(*) from matching) < $6
    order by examined_count desc
    limit 1
)
select last_examined.*, matching.*, notification.*
from (select) as always
left join last_examined on true
left join matching on true
left join lateral (
    select priority, category, type
    from notifications
    where notifications.id = matching.notification_id and notifications.user_id = matching.user_id
    limit 1
) as notification on true
order by {order}
