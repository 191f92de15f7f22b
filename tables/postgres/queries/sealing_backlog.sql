-- list_plain_users: lists users after an id who are not sealed, in the order of ids.
select id from users where sealed is null and id collate "C" > $1 order by id collate "C" limit $2;

-- lock_plain_users: locks those of these users who are still not sealed, in the order of ids.
select id, addresses, attributes, sealed from users where id = any($1::text[]) and sealed is null order by id for no key update;

-- seal_users: stores what was sealed of locked users.
update users set addresses = given.addresses, attributes = given.attributes, sealed = given.sealed
from unnest($1::text[], $2::jsonb[], $3::jsonb[], $4::bytea[]) as given (id, addresses, attributes, sealed)
where users.id = given.id;

-- list_plain_devices: lists devices after one that are not sealed, of users who are, in the order of users and tokens.
select user_id, token from devices join users on users.id = user_id
where devices.sealed is null and users.sealed is not null and (user_id, token) > ($1, $2)
order by user_id, token
limit $3;

-- lock_users: locks users in the order of ids, as every change of their devices does.
select id from users where id = any($1::text[]) order by id for no key update;

-- list_plain_suppressions: lists suppressions after one whose addresses are in plain, in the order of ids.
select id, user_id, channel, address from suppressions
where sealed is null and address <> '' and address not like 'hmac:%' and id > $1
order by id
limit $2;

-- lock_plain_suppressions: locks those of these suppressions that are still in plain, in the order of ids.
select id from suppressions where id = any($1::uuid[]) and sealed is null and address not like 'hmac:%' order by id for update;

-- drop_repeated: deletes suppressions in force that are there with the token of their address, too.
delete from suppressions as old using unnest($1::uuid[], $2::text[]) as given (id, token)
where old.id = given.id and old.undone_at is null and exists (
    select from suppressions as kept
    where kept.id <> old.id and kept.channel = old.channel and kept.address = given.token and kept.user_id is not distinct from old.user_id
        and kept.category = old.category and kept.reason = old.reason and kept.undone_at is null
);

-- seal_suppressions: stores what was sealed of suppressions.
update suppressions set address = given.token, sealed = given.sealed
from unnest($1::uuid[], $2::text[], $3::bytea[]) as given (id, token, sealed)
where suppressions.id = given.id and suppressions.sealed is null;
