-- list_user_keys: lists the data keys of users, in the order of their versions.
select user_id, version, outer_key_id, wrapped_key from user_keys where user_id = any($1::text[]) order by user_id, version;

-- hold_user_keys: lists the data keys of users, in the order of their versions, and lets nobody destroy them before the transaction ends.
select user_id, version, outer_key_id, wrapped_key from user_keys where user_id = any($1::text[]) order by user_id, version for share;

-- list_sealed_users: lists those of these users who are sealed, or have a sealed device.
select id from users
where id = any($1::text[])
  and (sealed is not null or exists (select from devices where devices.user_id = users.id and devices.sealed is not null));

-- insert_user_keys: inserts data keys, and lists the users of those inserted; of two writers the second one changes nothing.
insert into user_keys (user_id, version, outer_key_id, wrapped_key)
select user_id, version, $3, wrapped_key from unnest($1::text[], $2::int[], $4::bytea[]) as new (user_id, version, wrapped_key)
order by user_id
on conflict do nothing
returning user_id;

-- list_keys_to_wrap: lists data keys that another outer key than $1 wraps, in the order of users and versions.
select user_id, version, outer_key_id, wrapped_key from user_keys
where outer_key_id <> $1 and wrapped_key is not null
order by user_id, version
limit $2;

-- wrap_user_keys: stores data keys that are wrapped with another outer key, unless they were destroyed meanwhile.
update user_keys set outer_key_id = $1, wrapped_key = given.wrapped_key
from unnest($2::text[], $3::int[], $4::bytea[]) as given (user_id, version, wrapped_key)
where user_keys.user_id = given.user_id and user_keys.version = given.version and user_keys.wrapped_key is not null;

-- count_user_keys: counts the data keys by the outer key that wraps them.
select outer_key_id, count(*) filter (where wrapped_key is not null)::int as kept, count(*) filter (where wrapped_key is null)::int as erased
from user_keys group by outer_key_id order by outer_key_id;
