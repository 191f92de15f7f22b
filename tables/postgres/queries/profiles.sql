-- list_changed_profiles: lists what has another version than the caller knows. A user who does not exist has none, so is always listed, with the greatest version given until now; the devices are the twenty last updated, each with what is sealed of it after a space. An address (the channels and addresses of the last two arrays) is listed with the suppressions of whoever has it.
select wanted.id, null as channel, users.id is not null as known, coalesce(addresses, '{}') as addresses,
       coalesce(locale, '') as locale, coalesce(time_zone, '') as time_zone, coalesce(tier, '') as tier,
       coalesce(attributes, '{}') as attributes, quiet_hours, users.sealed,
       coalesce(users.version, (select last_value from user_version_seq)) as version,
       array(
           select case kind when 'fid' then 'fid:' else '' end || token || coalesce(' ' || translate(encode(devices.sealed, 'base64'), E'\n', ''), '')
           from devices where user_id = users.id
           order by updated_at desc, token limit 20
       ) as devices,
       (
           select case when count(*) > 0 then json_build_array(
               json_object_agg(category || '/' || channel, choice),
               json_object_agg(category || '/' || channel, 'cev_' || replace(consent_event_id::text, '-', ''))
                   filter (where choice = 'in' and consent_event_id is not null)
           ) end
           from user_preferences where user_id = users.id
       ) as choices,
       (
           select json_agg(json_build_array('whe_' || replace(id::text, '-', ''), url, types, is_enabled, ordered) order by id)
           from webhook_endpoints where webhook_endpoints.user_id = users.id
       ) as endpoints,
       (
           select json_object_agg(category, digest) from user_preferences
           where user_id = users.id and channel = '' and digest <> ''
       ) as digests,
       (
           select json_agg(json_build_array(channel, address, category, reason)) from suppressions
           where suppressions.user_id = users.id and undone_at is null and channel = any($3::text[])
       ) as suppressions,
       -- an array makes the planner look each address up in the index, however many it expects
       (
           select json_agg(json_build_array(channel, address, category, reason)) from suppressions
           where suppressions.user_id is null and undone_at is null and channel = any($3::text[]) and address = any(array(
               select folded.address
               from jsonb_each(users.addresses) as entry (channel, list)
               cross join jsonb_array_elements_text(list) as item (address)
               cross join lateral (values (item.address), (lower(item.address))) as folded (address)
               union all select case kind when 'fid' then 'fid:' else '' end || token from devices where devices.user_id = users.id
               union all select url from webhook_endpoints where webhook_endpoints.user_id = users.id
           ))
       ) as address_suppressions
from unnest($1::text[], $2::bigint[]) as wanted (id, version)
left join users on users.id = wanted.id
where users.version is distinct from wanted.version
union all
select wanted.address, wanted.channel, false, '{}', '', '', '', '{}', null, null, 0, '{}', null, null, null, null,
       json_agg(json_build_array(suppressions.channel, suppressions.address, category, reason))
from unnest($4::text[], $5::text[]) as wanted (channel, address)
join suppressions on suppressions.channel = wanted.channel
    and suppressions.address = case wanted.channel when 'email' then lower(wanted.address) else wanted.address end
where suppressions.user_id is null and undone_at is null
group by wanted.channel, wanted.address;

-- list_hashed_suppressions: lists the suppressions in force of these addresses, most of which are tokens.
select user_id, channel, address, category, reason from suppressions where address = any ($1::text[]) and undone_at is null;
