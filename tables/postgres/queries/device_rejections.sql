-- list_devices: locks the users with these ids in the order of ids, and lists their devices.
with locked as (select id from users where id = any ($1::text[]) order by id for no key update)
select user_id, token, kind, platform, extract(epoch from updated_at)::float8 as updated_at, rejected_delivery_id, sealed
from devices join locked on locked.id = user_id;

-- delete_devices: deletes these devices of locked users.
delete from devices
using unnest($1::text[], $2::text[]) as rejected (user_id, token)
where devices.user_id = rejected.user_id and devices.token = rejected.token;

-- doubt_devices: notes the first delivery whose token was in doubt, of devices of locked users.
update devices set rejected_delivery_id = rejected.delivery_id
from unnest($1::text[], $2::text[], $3::text[]) as rejected (user_id, token, delivery_id)
where devices.user_id = rejected.user_id and devices.token = rejected.token;
