-- tier: the tier is one of these.
tier = any (${number}::text[])

-- locale: the locale is one of these (in lower case, with dashes), or begins with one and a dash.
exists (
    select from unnest(${number}::text[]) as wanted (locale) cross join translate(lower(users.locale), '_', '-') as own (locale)
    where own.locale = wanted.locale or starts_with(own.locale, wanted.locale || '-')
)

-- time_zone: the time zone is one of these.
time_zone = any (${number}::text[])

-- attributes: the attributes contain one of these, which are two forms of the same.
attributes @> any (${number}::jsonb[])

-- created_after: the user was created at this time (epoch seconds) or later.
created_at >= to_timestamp(${number}::float8)

-- created_before: the user was created before this time (epoch seconds).
created_at < to_timestamp(${number}::float8)

-- has_channel: the user has an address, or an enabled webhook endpoint, on each of these channels.
not exists (
    select from unnest(${number}::text[]) as wanted (channel)
    where coalesce(jsonb_array_length(addresses -> wanted.channel), 0) = 0
        and not (wanted.channel = 'webhook' and exists (select from webhook_endpoints where webhook_endpoints.user_id = users.id and is_enabled))
)

-- has_device: the user has a device.
exists (select from devices where devices.user_id = users.id)
