-- try_lock: whether this transaction may extend the chains; another one that does is not waited for.
select pg_try_advisory_xact_lock(hashtext('herold.log_chain'));

-- lock: lets this transaction extend the chains, after the one that does.
select pg_advisory_xact_lock(hashtext('herold.log_chain'));

-- get_state: gets the head of a chain, whether entries wait, the number and age (seconds) of its last checkpoint, and the time (microseconds since 1970).
select coalesce(head.number, 0) as number, head.hash, exists (select from unlinked_entries where log = $1) as has_unlinked,
       coalesce(checkpoint.number, 0) as signed_number,
       coalesce(extract(epoch from now() - checkpoint.created_at), 'infinity')::float8 as signed_age,
       (extract(epoch from now()) * 1000000)::bigint as now
from (select) as one
left join lateral (select number, hash from log_chain where log = $1 order by number desc limit 1) as head on true
left join lateral (select number, created_at from log_checkpoints where log = $1 order by number desc limit 1) as checkpoint on true;

-- list_unlinked_audit: lists entries of the audit log that wait, in the order of ids.
select audit_log.id, salt,
       array['audit', replace(id::text, '-', ''), actor, action, object_type, principal, user_agent_hash, request_id,
             ((extract(epoch from occurred_at) * 1000000)::bigint)::text]
           || case when project = '' then '{}' else array[project] end as fields,
       array[object_id, details::text, client_address] as personal
from unlinked_entries join audit_log on id = entry_id
where log = 'audit'
order by entry_id
limit $1;

-- list_unlinked_consent: lists events of consent that wait, in the order of ids.
select consent_events.id, salt,
       array['consent', replace(id::text, '-', ''), category, channel, change, old_choice, new_choice, source, actor, principal, request_id,
             ((extract(epoch from occurred_at) * 1000000)::bigint)::text] as fields,
       array[user_id, address, reason, client_address] as personal
from unlinked_entries join consent_events on id = entry_id
where log = 'consent'
order by entry_id
limit $1;

-- insert_links: appends to a chain.
insert into log_chain (log, number, entry_id, person, hash) select $1, * from unnest($2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[]);

-- delete_unlinked: takes entries from those that wait.
delete from unlinked_entries where log = $1 and entry_id = any($2::uuid[]);

-- insert_checkpoint: appends a checkpoint; the time in microseconds since 1970.
insert into log_checkpoints (log, number, hash, created_at, key_id, signature)
values ($1, $2, $3, timestamptz '1970-01-01 00:00:00+00' + $4 * interval '1 microsecond', $5, $6);

-- get_last_checkpoint: gets the last checkpoint of a chain.
select log, number, hash, (extract(epoch from created_at) * 1000000)::bigint as created_at, key_id, signature
from log_checkpoints
where log = $1
order by number desc
limit 1;

-- list_linked_audit: lists a chain after a number, with the entries of the audit log and the checkpoints that are there.
select link.number, link.entry_id, link.person, link.hash, id, salt,
       array['audit', replace(id::text, '-', ''), actor, action, object_type, principal, user_agent_hash, request_id,
             ((extract(epoch from occurred_at) * 1000000)::bigint)::text]
           || case when project = '' then '{}' else array[project] end as fields,
       array[object_id, details::text, client_address] as personal,
       checkpoint.hash as signed_hash, (extract(epoch from checkpoint.created_at) * 1000000)::bigint as signed_at, key_id, signature
from log_chain as link
left join audit_log on id = entry_id
left join log_checkpoints as checkpoint on (checkpoint.log, checkpoint.number) = (link.log, link.number)
where link.log = 'audit' and link.number > $1
order by link.number
limit $2;

-- list_linked_consent: lists a chain after a number, with the events of consent and the checkpoints that are there.
select link.number, link.entry_id, link.person, link.hash, id, salt,
       array['consent', replace(id::text, '-', ''), category, channel, change, old_choice, new_choice, source, actor, principal, request_id,
             ((extract(epoch from occurred_at) * 1000000)::bigint)::text] as fields,
       array[user_id, address, reason, client_address] as personal,
       checkpoint.hash as signed_hash, (extract(epoch from checkpoint.created_at) * 1000000)::bigint as signed_at, key_id, signature
from log_chain as link
left join consent_events on id = entry_id
left join log_checkpoints as checkpoint on (checkpoint.log, checkpoint.number) = (link.log, link.number)
where link.log = 'consent' and link.number > $1
order by link.number
limit $2;

-- find_unlinked_audit: finds an entry of the audit log that is neither linked nor waits to be.
select id from audit_log
where not exists (select from log_chain where log = 'audit' and entry_id = id)
    and not exists (select from unlinked_entries where log = 'audit' and entry_id = id)
limit 1;

-- find_unlinked_consent: finds an event of consent that is neither linked nor waits to be.
select id from consent_events
where not exists (select from log_chain where log = 'consent' and entry_id = id)
    and not exists (select from unlinked_entries where log = 'consent' and entry_id = id)
limit 1;

-- find_removed_audit: finds an entry of the audit log that waits to be linked and is not there.
select entry_id as id from unlinked_entries where log = 'audit' and not exists (select from audit_log where id = entry_id) limit 1;

-- find_removed_consent: finds an event of consent that waits to be linked and is not there.
select entry_id as id from unlinked_entries where log = 'consent' and not exists (select from consent_events where id = entry_id) limit 1;

-- count_unlinked: counts the entries of a log that wait to be linked.
select count(*) from unlinked_entries where log = $1;

-- find_unexplained_erasure: finds a pseudonym of erased entries that no entry of the audit log says the erasure of.
select pseudonym from (
    select user_id as pseudonym from consent_events where salt is null
    union
    select object_id from audit_log where salt is null
) as erased
where not exists (
    select from audit_log where object_type = 'user' and object_id = pseudonym and action = 'erase_from_logs' and salt is not null
)
limit 1;
