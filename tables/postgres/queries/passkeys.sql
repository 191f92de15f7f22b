-- insert_passkey: stores a passkey; no row if its credential is known already, or the account has too many.
insert into passkeys (id, account_id, credential_id, public_key, sign_count, name)
select $1, $2, $3, $4, $5, $6 where (select count(*) from passkeys where account_id = $2) < $7
on conflict (credential_id) do nothing
returning *;

-- list_passkeys: lists the passkeys of an account.
select * from passkeys where account_id = $1 order by id;

-- find_passkey: finds a passkey by the id of its credential.
select * from passkeys where credential_id = $1;

-- record_use: stores the counter of a passkey; no row if a signature with this counter or a greater one has come before.
update passkeys set sign_count = $2, last_used_at = now()
where id = $1 and (sign_count < $2 or (sign_count = 0 and $2 = 0))
returning id;

-- delete_passkey: deletes a passkey of an account.
delete from passkeys where id = $1 and account_id = $2 returning id;
