-- get_version: gets the version of a user.
select version from users where id = $1;

-- list_preferences: lists the preferences of a user.
select category, channel, choice, digest from user_preferences where user_id = $1 order by category, channel;

-- set_preferences: inserts and changes preferences of existing users, and appends an event for each that is not as it was before. Returns the
-- users with changes. The users are locked, so that `before` is what is changed.
with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[])
        as given (user_id, category, channel, choice, digest, event_id)
), before as (
    select user_id, category, channel, user_preferences.choice from user_preferences join given using (user_id, category, channel)
), written as (
    insert into user_preferences (user_id, category, channel, choice, digest, consent_event_id)
    select user_id, category, channel, choice, digest, event_id from given
    on conflict (user_id, category, channel) do update
        set choice = excluded.choice, digest = excluded.digest, consent_event_id = excluded.consent_event_id, updated_at = now()
        where (user_preferences.choice, user_preferences.digest) is distinct from (excluded.choice, excluded.digest)
    returning user_id, category, channel, choice
)
insert into consent_events (id, user_id, category, channel, change, old_choice, new_choice, source, actor, reason,
                            principal, client_address, request_id)
select event_id, user_id, category, channel, 'preference_set', coalesce(before.choice, ''), written.choice, $7, $8, $9, $10, $11, $12
from written join given using (user_id, category, channel) left join before using (user_id, category, channel)
returning user_id;

-- delete_preferences: deletes preferences, and appends an event for each. Returns the users with changes.
with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) as given (user_id, category, channel, event_id)
), deleted as (
    delete from user_preferences using given
    where (user_preferences.user_id, user_preferences.category, user_preferences.channel) = (given.user_id, given.category, given.channel)
    returning given.user_id, given.category, given.channel, choice, event_id
)
insert into consent_events (id, user_id, category, channel, change, old_choice, new_choice, source, actor, reason,
                            principal, client_address, request_id)
select event_id, user_id, category, channel, 'preference_deleted', choice, '', $5, $6, $7, $8, $9, $10 from deleted
returning user_id;

-- list_consent_events: lists the events of a user, and those of suppressions by address of the user's addresses, with ids below one, newest first;
-- $4 are other forms of these addresses.
with owned as (
    select distinct case channel when 'email' then lower(address) else address end as address
    from users, jsonb_each(addresses) as by_channel (channel, list), jsonb_array_elements_text(list) as item (address)
    where users.id = $1
    union select token from devices where user_id = $1
    union select unnest($4::text[])
), by_address as materialized (
    select id from consent_events
    where address = any (array(select address from owned)) and address <> '' and user_id = '' and id < $2
), found as (
    (select id from consent_events where user_id = $1 and id < $2 order by id desc limit $3)
    union all
    (select id from by_address order by id desc limit $3)
)
select id, user_id, category, channel, address, change, old_choice, new_choice, source, actor, reason, occurred_at
from consent_events
where id = any (array(select id from found))
order by id desc
limit $3;
