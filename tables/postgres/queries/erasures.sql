-- destroy_keys: destroys data keys with these ids, in the order of ids; what they have sealed can never be opened.
with locked as (
    select user_id, version from user_keys where user_id = any($1::text[]) and wrapped_key is not null order by user_id, version for update
)
update user_keys set wrapped_key = null, erased_at = now() from locked
where (user_keys.user_id, user_keys.version) = (locked.user_id, locked.version)
returning user_keys.user_id;

-- list_suppressed: lists the addresses in suppressions of a user, and of whoever has one of these addresses ($2, $3).
select channel, address from suppressions
where address <> '' and (address not like 'hmac:%' or sealed is not null)
  and (
      user_id = $1
      or (user_id is null and (channel, address) in (select * from unnest($2::text[], $3::text[]) as given (channel, address)))
  )
group by channel, address;

-- drop_repeated_suppressions: deletes suppressions in force that would be the same as others with the tokens of their addresses.
delete from suppressions as old using unnest($2::text[], $3::text[], $4::text[]) as given (channel, address, token)
where old.channel = given.channel and old.address in (given.address, given.token) and (old.user_id is null or old.user_id = $1)
  and old.undone_at is null
  and exists (
      select from suppressions as kept
      where kept.id <> old.id and kept.channel = old.channel and kept.address = given.token and kept.user_id is not distinct from old.user_id
        and kept.category = old.category and kept.reason = old.reason and kept.undone_at is null
  );

-- hash_suppressions: puts the tokens in the place of the addresses; nothing else tells whom the suppression is about. One that was sealed since it
-- was listed has the token already.
update suppressions set address = given.token, sealed = null, source_event = ''
from unnest($2::text[], $3::text[], $4::text[]) as given (channel, address, token)
where suppressions.channel = given.channel and suppressions.address in (given.address, given.token)
  and (suppressions.address <> given.token or suppressions.sealed is not null)
  and (suppressions.user_id is null or suppressions.user_id = $1)
returning id;

-- empty_replacements: forgets what dead letters of a user were replaced with.
update redrives set replacement = ''
where replacement <> '' and id in (
    select redrive_items.redrive_id from redrive_items join dead_letters on dead_letters.id = redrive_items.dead_letter_id
    where dead_letters.user_id = $1
)
returning id;

-- delete_dead_letters: deletes the dead letters of a user.
delete from dead_letters where user_id = $1 returning id;

-- delete_user_counts: deletes what a user was sent by day.
delete from user_counts where user_id = $1 returning day;

-- insert_erasure: appends to the erasure log.
insert into erasures (id, user_id, erased_by, reason, counts) values ($1, $2, $3, $4, $5)
returning id, user_id, extract(epoch from erased_at)::float8 as erased_at, erased_by, reason, counts;

-- list_erasures: lists the erasure log from an id on, oldest first.
select id, user_id, extract(epoch from erased_at)::float8 as erased_at, erased_by, reason, counts
from erasures where id > $1 order by id limit $2;
