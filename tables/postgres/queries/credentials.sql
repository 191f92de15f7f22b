-- find_by_email: finds what an account logs in with, by its e-mail address.
select accounts.*, password_hash, totp_secret, totp_confirmed_at, totp_last_step, password_hash <> '' as has_password,
       totp_confirmed_at is not null as has_totp, last_login_at,
       (select count(*) from passkeys where passkeys.account_id = accounts.id) as passkeys
from accounts join account_credentials on account_id = accounts.id
where lower(email) = lower($1);

-- find_by_id: finds what an account logs in with.
select accounts.*, password_hash, totp_secret, totp_confirmed_at, totp_last_step, password_hash <> '' as has_password,
       totp_confirmed_at is not null as has_totp, last_login_at,
       (select count(*) from passkeys where passkeys.account_id = accounts.id) as passkeys
from accounts join account_credentials on account_id = accounts.id
where accounts.id = $1;

-- find_by_identity: finds the id of the account that an OpenID provider calls so.
select account_id from oidc_identities where issuer = $1 and subject = $2;

-- insert_identity: stores how an OpenID provider calls an account.
insert into oidc_identities (issuer, subject, account_id) values ($1, $2, $3) on conflict do nothing;

-- rehash_password: replaces a hash by one of the same password.
update account_credentials set password_hash = $3 where account_id = $1 and password_hash = $2;

-- set_password: stores the hash of a new password.
update account_credentials set password_hash = $2, password_changed_at = now() where account_id = $1;

-- set_totp_secret: stores a secret that is not confirmed yet; no row if there is one that is.
update account_credentials set totp_secret = $2 where account_id = $1 and totp_confirmed_at is null returning account_id;

-- confirm_totp: lets a secret count, and the code that confirms it never again; no row if the secret is another one by now.
update account_credentials set totp_confirmed_at = now(), totp_last_step = $3
where account_id = $1 and totp_secret = $2 and totp_confirmed_at is null
returning account_id;

-- use_totp_step: takes a code of this step; no row if one of it or of a later step was taken before.
update account_credentials set totp_last_step = $2 where account_id = $1 and totp_last_step < $2 returning account_id;

-- clear_totp: removes the secret.
update account_credentials set totp_secret = '', totp_confirmed_at = null where account_id = $1;

-- delete_recovery_codes: deletes the recovery codes of an account.
delete from recovery_codes where account_id = $1;

-- insert_recovery_codes: inserts recovery codes of an account.
insert into recovery_codes (account_id, code_hash) select $1, unnest($2::bytea[]);

-- use_recovery_code: takes a recovery code; no row if it was taken before.
update recovery_codes set used_at = now() where account_id = $1 and code_hash = $2 and used_at is null returning account_id;

-- insert_link: stores a link of an account.
insert into account_links (token_hash, account_id, purpose, expires_at) values ($1, $2, $3, now() + make_interval(secs => $4::float8));

-- delete_links: deletes the links of an account that were not used.
delete from account_links where account_id = $1 and purpose = $2;

-- delete_first_admin_links: deletes the links for the first admin.
delete from account_links where purpose = 'first_admin';

-- delete_expired_links: deletes the links that have expired.
delete from account_links where expires_at <= now();

-- take_link: takes a link, which works no more; no row if it has expired.
delete from account_links where token_hash = $1 and purpose = $2 and expires_at > now() returning account_id;

-- has_first_admin_link: whether there is a link for the first admin.
select exists (select from account_links where purpose = 'first_admin' and expires_at > now());
