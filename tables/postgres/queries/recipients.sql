-- read_filtered: reads at most $3 users of a project among its $2 users after an id who match the condition, in the order of ids. With fewer, also
-- the last of those $2 users and their count, of the same snapshot: nobody is between two pages or on both. A scheduler reads it, who is not
-- under the policies of projects, so the project ($4) is a condition here; $5 is above the ids of the project.
with matching as materialized (
    select id from (
        select id, addresses, locale, time_zone, tier, attributes, created_at from users
        where id collate "C" > $1 and id collate "C" < $5 order by id collate "C" limit $2
    ) as users
    where {condition} and (case when starts_with(users.id, '@') then coalesce((select projects.id from projects where projects.id = project_of(users.id)), '') else '' end) = $4
    order by id collate "C" limit $3
), is_short as (
    select count(*) < $3 as answer from matching
)
select
    array(select id from matching order by id collate "C") as user_ids,
    case when (select answer from is_short) then (
        select max(id collate "C") from (
            select id from users where id collate "C" > $1 and id collate "C" < $5 order by id collate "C" limit $2
        ) as scanned
    ) end as last_id,
    case when (select answer from is_short) then (
        select count(*) from (
            select id from users where id collate "C" > $1 and id collate "C" < $5 order by id collate "C" limit $2
        ) as scanned
    ) end as scanned_count;

-- count_filtered: counts the users of a project ($3) who match the condition among the $2 users after an id and below another one ($4); with
-- the last of those, and their count.
with scanned as materialized (
    select id, addresses, locale, time_zone, tier, attributes, created_at from users
    where id collate "C" > $1 and id collate "C" < $4 order by id collate "C" limit $2
)
select
    (select count(*) from scanned as users where {condition} and (case when starts_with(users.id, '@') then coalesce((select projects.id from projects where projects.id = project_of(users.id)), '') else '' end) = $3) as matching_count,
    (select max(id collate "C") from scanned) as last_id,
    (select count(*) from scanned) as scanned_count;

-- read_members: reads members of a list after an id who are users of a project ($4), in the order of ids.
select user_id from audience_members
where audience_id = $1 and user_id > $2
    and (case when starts_with(user_id, '@') then coalesce((select projects.id from projects where projects.id = project_of(user_id)), '') else '' end) = $4
order by user_id
limit $3;

-- count_members: counts the members of a list who are users of a project.
select count(*) as count from audience_members
where audience_id = $1
    and (case when starts_with(user_id, '@') then coalesce((select projects.id from projects where projects.id = project_of(user_id)), '') else '' end) = $2;

-- read_named: reads users of a project ($4) that the request for a broadcast has named, after an id, each once and in the order of ids.
select distinct named.user_id collate "C" as user_id
from broadcasts cross join unnest(user_ids) as named (user_id)
where id = $1 and named.user_id collate "C" > $2
    and (case when starts_with(named.user_id, '@') then coalesce((select projects.id from projects where projects.id = project_of(named.user_id)), '') else '' end) = $4
order by 1
limit $3;

-- count_named: counts the users of a project that the request for a broadcast has named.
select count(distinct named.user_id) as count from broadcasts cross join unnest(user_ids) as named (user_id)
where id = $1
    and (case when starts_with(named.user_id, '@') then coalesce((select projects.id from projects where projects.id = project_of(named.user_id)), '') else '' end) = $2;
