-- get_account: gets an account.
select accounts.*, coalesce(password_hash, '') <> '' as has_password, totp_confirmed_at is not null as has_totp, last_login_at,
       (select count(*) from passkeys where passkeys.account_id = accounts.id) as passkeys
from accounts left join account_credentials on account_id = accounts.id
where accounts.id = $1;

-- list_accounts: lists accounts with ids above one, in the order of ids; with a role, state or part of e-mail or name only those that have it.
select accounts.*, coalesce(password_hash, '') <> '' as has_password, totp_confirmed_at is not null as has_totp, last_login_at,
       (select count(*) from passkeys where passkeys.account_id = accounts.id) as passkeys
from accounts left join account_credentials on account_id = accounts.id
where accounts.id > $1 and ($2::text is null or role = $2) and ($3::text is null or state = $3)
    and ($4 = '' or strpos(lower(email), lower($4)) > 0 or strpos(lower(name), lower($4)) > 0)
order by accounts.id
limit $5;

-- insert_account: inserts an account; no row for an e-mail address that another one has.
insert into accounts (id, email, name, role, projects) values ($1, $2, $3, $4, $5)
on conflict (lower(email)) do nothing
returning id;

-- insert_credentials: inserts the row of what an account logs in with.
insert into account_credentials (account_id, password_hash, password_changed_at)
values ($1, $2, case when $2 <> '' then now() end);

-- lock_account: locks an account until the transaction ends.
select * from accounts where id = $1 for update;

-- lock_admins: locks the active admins until the transaction ends, and lists their ids.
select id from accounts where role = 'admin' and state = 'active' order by id for update;

-- update_account: changes an account.
update accounts set email = $2, name = $3, role = $4, projects = $5, state = $6 where id = $1;

-- raise_token_version: revokes all tokens of an account.
update accounts set token_version = token_version + 1 where id = $1 returning token_version;

-- revoke_sessions: ends the sessions of an account, but one.
update sessions set revoked_at = now(), revoked_reason = $2
where account_id = $1 and revoked_at is null and ($3::uuid is null or id <> $3);

-- keep_session: lets a session go on with the account's new token version.
update sessions set token_version = $2 where id = $1;

-- delete_account: deletes an account with all that belongs to it.
delete from accounts where id = $1;

-- lock_for_first_admin: lets one process at a time look whether there are accounts.
select pg_advisory_xact_lock(727302801);

-- has_accounts: whether there is any account.
select exists (select from accounts);
