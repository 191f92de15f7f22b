-- insert_audit_entry: appends an entry.
insert into audit_log (id, actor, action, object_type, object_id, details) values ($1, $2, $3, $4, $5, $6);

-- list_audit_entries: lists the entries of an object with ids below one, newest first.
select id, actor, action, object_type, object_id, details, occurred_at
from audit_log
where object_type = $1 and object_id = $2 and id < $3
order by id desc
limit $4;
