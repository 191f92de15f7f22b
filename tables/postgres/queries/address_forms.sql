-- list_addresses: lists the addresses, devices and endpoints of a user, as they are stored, with what is sealed of each device.
select channel, address, null::bytea as sealed, false as is_sealed_fid
from users, jsonb_each(addresses) as by_channel (channel, list), jsonb_array_elements_text(list) as item (address)
where users.id = $1 and users.sealed is null
union all
select 'push', case when kind = 'fid' and sealed is null then 'fid:' else '' end || token, sealed, kind = 'fid' and sealed is not null
from devices where user_id = $1
union all
select 'webhook', url, null, false from webhook_endpoints where user_id = $1;

-- get_sealed: gets what is sealed of a user.
select id, sealed from users where id = $1 and sealed is not null;

-- list_sealed_addresses: lists what is sealed of suppressed addresses.
select distinct on (coalesce(user_id, ''), address) user_id, address, sealed from suppressions
where address = any($1::text[]) and sealed is not null
order by coalesce(user_id, ''), address;
