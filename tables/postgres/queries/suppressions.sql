-- insert_suppression: inserts a suppression unless the same is in force, and appends an event. Returns its id if it was inserted.
with inserted as (
    insert into suppressions (id, user_id, channel, address, category, reason, source_event, created_by, sealed)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $14)
    on conflict (channel, address, coalesce(user_id, ''), category, reason) where undone_at is null do nothing
    returning id
)
insert into consent_events (id, user_id, category, channel, address, change, old_choice, new_choice, source, actor, reason,
                            principal, client_address, request_id)
select $9, coalesce($2, ''), $5, $3, $4, 'suppressed', '', 'out', $10, $8, $6, $11, $12, $13 from inserted
returning id;

-- get_suppression_in_force: gets the suppression in force of this user, channel, address, category and reason.
select id, user_id, channel, address, category, reason, source_event, created_at, created_by, undone_at, undone_by, sealed
from suppressions
where channel = $2 and address = $3 and coalesce(user_id, '') = coalesce($1, '') and category = $4 and reason = $5 and undone_at is null;

-- get_suppression: gets a suppression.
select id, user_id, channel, address, category, reason, source_event, created_at, created_by, undone_at, undone_by, sealed
from suppressions
where id = $1;

-- list_suppressions: lists suppressions with ids below one, newest first: of an address, a user and a channel if they are given, and without the
-- undone ones if so.
select id, user_id, channel, address, category, reason, source_event, created_at, created_by, undone_at, undone_by, sealed
from suppressions
where id < $1 and ($2::text[] is null or address = any ($2)) and ($3::text is null or user_id = $3) and ($4::text is null or channel = $4)
  and (undone_at is null or $5)
order by id desc
limit $6;

-- undo_suppression: ends a suppression that is in force, and appends an event. Returns the event's id if it was in force.
with undone as (
    update suppressions set undone_at = now(), undone_by = $2 where id = $1 and undone_at is null
    returning user_id, category, channel, address
)
insert into consent_events (id, user_id, category, channel, address, change, old_choice, new_choice, source, actor, reason,
                            principal, client_address, request_id)
select $3, coalesce(user_id, ''), category, channel, address, 'suppression_undone', 'out', '', $4, $2, $5, $6, $7, $8 from undone
returning id;

-- list_suppressed_users: lists the users that a suppression is about; $2 is the other form of its address, for users who are not stored as it is.
with about as (
    select user_id, channel, form.address from suppressions cross join unnest(array_remove(array[address, $2::text], null)) as form (address)
    where id = $1
)
select user_id as id from about where user_id is not null
union
select users.id from about join users
    on fold_addresses(users.addresses) @> fold_addresses(jsonb_build_object(channel, jsonb_build_array(address)))
where about.user_id is null
union
select devices.user_id from about join devices on token = case when address like 'fid:%' then substr(address, 5) else address end
where about.user_id is null
union
select webhook_endpoints.user_id from about join webhook_endpoints on url = address
where about.user_id is null and webhook_endpoints.user_id is not null;

-- bump_versions: raises the versions of users, in the order of ids: a suppression has another form than their addresses.
with locked as (select id from users where id = any($1::text[]) order by id for no key update)
update users set version = version from locked where users.id = locked.id;
