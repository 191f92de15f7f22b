-- get_user: gets a user.
select id, addresses, locale, time_zone, tier, attributes, quiet_hours, sealed, version, created_at, updated_at from users where id = $1;

-- list_users: lists the users after an id whose ids begin with a text, or who have one of the addresses ([{"email": ["..."]}, ...]) or the
-- device with one of the tokens, in the order of ids. U+10FFFF is greater than every character of an id. Without `materialized`, the limit would make
-- the planner go through all users in order instead of asking the index of addresses.
with having_address as materialized (
    select users.id from jsonb_array_elements($3::jsonb) as wanted (addresses)
    join users on fold_addresses(users.addresses) @> fold_addresses(wanted.addresses)
), found as (
    (
        select id from users
        where id collate "C" > $1 and id collate "C" >= $2 and id collate "C" < $2 || U&'\+10FFFF'
        order by id collate "C" limit $5
    )
    union
    (select id from having_address where id collate "C" > $1 order by id collate "C" limit $5)
    union
    (select user_id from devices where token = any($4::text[]) and user_id collate "C" > $1 order by user_id collate "C" limit $5)
)
select id, addresses, locale, time_zone, tier, attributes, quiet_hours, sealed, version, created_at, updated_at
from found join users using (id)
order by id collate "C"
limit $5;

-- lock_user: locks a user, and gets its version.
select version from users where id = $1 for no key update;

-- insert_user: inserts a user who is missing; returns nothing if it exists.
insert into users (id, addresses, locale, time_zone, tier, attributes, quiet_hours, sealed)
values ($1, coalesce($2::jsonb, '{}'), coalesce($3, ''), coalesce($4, ''), coalesce($5, ''), coalesce($6::jsonb, '{}'), nullif($7::jsonb, 'null'), $8)
on conflict (id) do nothing
returning id, addresses, locale, time_zone, tier, attributes, quiet_hours, sealed, version, created_at, updated_at;

-- update_user: changes the values that are given of a user; the JSON null deletes the quiet hours.
update users
set addresses = coalesce($2::jsonb, addresses), locale = coalesce($3, locale), time_zone = coalesce($4, time_zone),
    tier = coalesce($5, tier), attributes = coalesce($6::jsonb, attributes), quiet_hours = nullif(coalesce($7::jsonb, quiet_hours), 'null'), sealed = $8
where id = $1
returning id, addresses, locale, time_zone, tier, attributes, quiet_hours, sealed, version, created_at, updated_at;

-- delete_user: deletes a user with devices and preferences.
delete from users where id = $1;

-- list_categories: lists the categories that rules have.
select distinct category from rules order by category;
