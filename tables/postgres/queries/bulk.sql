-- lock_users: locks the users with these ids in the order of ids, and lists those that exist.
select id, addresses, attributes, sealed from users where id = any ($1::text[]) order by id for no key update;

-- list_existing_users: lists those of these ids that users have.
select id from users where id = any ($1::text[]);

-- upsert_users: inserts users, and changes the values that are given of locked ones. Returns those that are not as they were, and whether they
-- are new.
with given as (
    select * from unnest($1::text[], $2::jsonb[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::bytea[])
        as given (id, addresses, locale, time_zone, tier, attributes, quiet_hours, sealed)
)
insert into users (id, addresses, locale, time_zone, tier, attributes, quiet_hours, sealed)
select id, coalesce(given.addresses, users.addresses, '{}'), coalesce(given.locale, users.locale, ''),
       coalesce(given.time_zone, users.time_zone, ''), coalesce(given.tier, users.tier, ''),
       coalesce(given.attributes, users.attributes, '{}'), nullif(coalesce(given.quiet_hours, users.quiet_hours), 'null'), given.sealed
from given left join users using (id)
order by id
on conflict (id) do update
    set addresses = excluded.addresses, locale = excluded.locale, time_zone = excluded.time_zone, tier = excluded.tier,
        attributes = excluded.attributes, quiet_hours = excluded.quiet_hours, sealed = excluded.sealed
    where (users.addresses, users.locale, users.time_zone, users.tier, users.attributes, users.quiet_hours, users.sealed)
        is distinct from (excluded.addresses, excluded.locale, excluded.time_zone, excluded.tier, excluded.attributes,
                          excluded.quiet_hours, excluded.sealed)
returning id, xmax = 0 as is_new;

-- upsert_devices: inserts and changes devices of locked users; returns the users of those that are not as they were.
insert into devices (user_id, token, kind, platform, sealed)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
on conflict (user_id, token) do update
    set kind = excluded.kind, platform = excluded.platform, updated_at = now(), rejected_delivery_id = ''
    where (devices.kind, devices.platform) is distinct from (excluded.kind, excluded.platform)
returning user_id;

-- export_users: lists the users after an id with their devices, in the order of ids.
select id, addresses, locale, time_zone, tier, attributes, quiet_hours, sealed,
       (select coalesce(json_agg(json_build_object('token', token, 'kind', kind, 'platform', platform, 'sealed', encode(sealed, 'base64'))
                                 order by token), '[]')
        from devices where user_id = users.id) as devices
from users
where id collate "C" > $1
order by id collate "C"
limit $2;

-- export_preferences: lists the preferences after one, in order.
select user_id, category, channel, choice, digest
from user_preferences
where (user_id, category, channel) > ($1, $2, $3)
order by user_id, category, channel
limit $4;
