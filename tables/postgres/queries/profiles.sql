-- list_changed_profiles: lists what has another version than the caller knows. A user who does not exist has none, so is always listed, with the greatest version given until now; the devices are the twenty last updated. An address (the channels and addresses of the last two arrays) is listed with the suppressions of whoever has it.
select wanted.id, null as channel, users.id is not null as known, coalesce(addresses, '{}') as addresses,
       coalesce(locale, '') as locale, coalesce(time_zone, '') as time_zone, coalesce(tier, '') as tier,
       coalesce(attributes, '{}') as attributes, quiet_hours,
       coalesce(users.version, (select last_value from user_version_seq)) as version,
       array(select token from devices where user_id = users.id order by updated_at desc, token limit 20) as devices,
       (select json_object_agg(category || '/' || channel, choice) from user_preferences where user_id = users.id) as choices,
       (
           select json_agg(json_build_array(found.channel, found.address, found.category, found.reason)) from (
               select channel, address, category, reason from suppressions
               where suppressions.user_id = users.id and undone_at is null
               union
               select suppressions.channel, suppressions.address, category, reason
               from jsonb_each(users.addresses) as entry (channel, list)
               cross join jsonb_array_elements_text(list) as item (address)
               join suppressions on suppressions.channel = entry.channel and suppressions.address in (item.address, lower(item.address))
               where suppressions.user_id is null and undone_at is null
               union
               select suppressions.channel, suppressions.address, category, reason
               from devices join suppressions on suppressions.channel = any($3::text[]) and suppressions.address = devices.token
               where devices.user_id = users.id and suppressions.user_id is null and undone_at is null
           ) as found
           where found.channel = any($4::text[])
       ) as suppressions
from unnest($1::text[], $2::bigint[]) as wanted (id, version)
left join users on users.id = wanted.id
where users.version is distinct from wanted.version
union all
select wanted.address, wanted.channel, false, '{}', '', '', '', '{}', null, 0, '{}', null,
       json_agg(json_build_array(suppressions.channel, suppressions.address, category, reason))
from unnest($5::text[], $6::text[]) as wanted (channel, address)
join suppressions on suppressions.channel = wanted.channel and suppressions.address in (wanted.address, lower(wanted.address))
where suppressions.user_id is null and undone_at is null
group by wanted.channel, wanted.address;
