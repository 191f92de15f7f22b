-- list_devices: lists the devices of a user after a token, in the order of tokens.
select token, kind, platform, last_seen_at, updated_at
from devices
where user_id = $1 and token collate "C" > $2
order by token collate "C"
limit $3;

-- upsert_device: inserts a device, or changes the values that are given, and returns it with whether it is new, and whether it is more than its
-- last use that changes.
with before as (select token, kind, platform, last_seen_at from devices where user_id = $1 and token = $2)
insert into devices (user_id, token, kind, platform, last_seen_at)
values ($1, $2, coalesce($3, (select kind from before), 'fcm'), coalesce($4, (select platform from before), ''),
        case when $6 then $5 else (select last_seen_at from before) end)
on conflict (user_id, token) do update
    set kind = excluded.kind, platform = excluded.platform, last_seen_at = excluded.last_seen_at, updated_at = now(),
        rejected_delivery_id = ''
returning token, kind, platform, last_seen_at, updated_at, not exists (select from before) as is_new,
    (select (before.kind, before.platform) from before) is distinct from (devices.kind, devices.platform) as is_changed;

-- delete_device: deletes a device, and returns what it was if there was one.
delete from devices where user_id = $1 and token = $2 returning kind, platform;
