-- list_devices: lists the devices of a user after one, in the order of stored tokens: after its token $2, or, if it is sealed, after its hash $4.
select token, kind, platform, last_seen_at, updated_at, sealed
from devices
where user_id = $1 and token collate "C" > case
    when exists (select from devices where user_id = $1 and token = $2) then $2
    when exists (select from devices where user_id = $1 and sealed is not null) then $4
    else $2
end
order by token collate "C"
limit $3;

-- rename_devices: gives devices of locked users the form in which they are stored from now on; who has one in both forms keeps that one.
with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as given (user_id, token, new_token, sealed)
), dropped as (
    delete from devices using given
    where given.sealed is not null and devices.user_id = given.user_id and devices.token = given.token
        and exists (select from devices as kept where kept.user_id = given.user_id and kept.token = given.new_token)
)
update devices set token = given.new_token, sealed = given.sealed from given
where given.sealed is not null and devices.user_id = given.user_id and devices.token = given.token
    and not exists (select from devices as kept where kept.user_id = given.user_id and kept.token = given.new_token);

-- upsert_device: inserts a device, or changes the values that are given, and returns it with whether it is new, and whether it is more than its
-- last use that changes.
with before as (select token, kind, platform, last_seen_at from devices where user_id = $1 and token = $2)
insert into devices (user_id, token, kind, platform, last_seen_at, sealed)
values ($1, $2, coalesce($3, (select kind from before), 'fcm'), coalesce($4, (select platform from before), ''),
        case when $6 then $5 else (select last_seen_at from before) end, $7)
on conflict (user_id, token) do update
    set kind = excluded.kind, platform = excluded.platform, last_seen_at = excluded.last_seen_at, updated_at = now(),
        sealed = coalesce(devices.sealed, excluded.sealed), rejected_delivery_id = ''
returning token, kind, platform, last_seen_at, updated_at, sealed, not exists (select from before) as is_new,
    (select (before.kind, before.platform) from before) is distinct from (devices.kind, devices.platform) as is_changed;

-- delete_device: deletes a device, and returns what it was if there was one.
delete from devices where user_id = $1 and token = any($2::text[]) returning kind, platform;
