-- Options of push messages, kinds of registrations, and devices whose tokens FCM has called invalid once.

alter table template_versions add column options text not null default '';
comment on column template_versions.options is 'of a push message: the JSON of its options; the strings in it are templates; empty: the platforms decide';

comment on column devices.kind is 'fcm: a registration token of FCM; fid: an installation id of Firebase; else the service that the token belongs to';
alter table devices add column rejected_delivery_id text not null default '';
comment on column devices.rejected_delivery_id is 'the first delivery since the registration whose token FCM called invalid; the second one removes the device';

-- As before, with the suppressions of installation ids, whose address has a prefix, and of the URLs of webhook endpoints.
create or replace function bump_versions_of_suppressed_users() returns trigger language plpgsql as $$
begin
    with suppressed as (
        select user_id as id from changed where user_id is not null
        union select users.id from changed join users
            on fold_addresses(users.addresses) @> fold_addresses(jsonb_build_object(channel, jsonb_build_array(address)))
        where changed.user_id is null
        union select devices.user_id from changed join devices on token = case when address like 'fid:%' then substr(address, 5) else address end
        where changed.user_id is null
        union select webhook_endpoints.user_id from changed join webhook_endpoints on url = address
        where changed.user_id is null and webhook_endpoints.user_id is not null
    ), locked as (select id from users where id in (select id from suppressed) order by id for no key update)
    update users set version = version from locked where users.id = locked.id;
    return null;
end $$;
