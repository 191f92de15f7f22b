-- Accounts of people, what they log in with, and their sessions. Nothing here can be used to log in by who reads it: passwords, tokens and
-- codes are hashed, secrets of one-time codes are encrypted, and of passkeys there is the public key.

create sequence account_version_seq;

create function raise_version_of_account() returns trigger language plpgsql as $$
begin
    new.version := nextval('account_version_seq');
    new.updated_at := now();
    return new;
end $$;

create table accounts (
    id uuid primary key,
    email text not null check (length(email) between 3 and 254),
    name text not null default '',
    role text not null check (role in ('admin', 'operator', 'developer', 'viewer', 'service')),
    projects text[] not null default '{}',
    state text not null default 'active' check (state in ('active', 'disabled')),
    token_version integer not null default 0,
    version bigint not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on table accounts is 'people who may log in; recipients are in users';
comment on column accounts.projects is 'empty: the default project';
comment on column accounts.token_version is 'access and refresh tokens of an older one are revoked';
create unique index accounts_email_key on accounts (lower(email));
create index accounts_active_admins_idx on accounts (id) where role = 'admin' and state = 'active';

create trigger raise_version before insert or update on accounts for each row execute function raise_version_of_account();

-- In a table of its own, so that no login raises the version of an account, and no list of accounts reads a hash.
create table account_credentials (
    account_id uuid primary key references accounts on delete cascade,
    password_hash text not null default '',
    password_changed_at timestamptz,
    totp_secret bytea not null default '',
    totp_confirmed_at timestamptz,
    totp_last_step bigint not null default 0,
    last_login_at timestamptz
) with (fillfactor = 80);
comment on column account_credentials.password_hash is 'argon2id; empty: no login by password';
comment on column account_credentials.totp_secret is 'encrypted (app/auth/secret_box.py); the key is derived from auth.secret; empty: none';
comment on column account_credentials.totp_last_step is 'of 30 s since 1970, of the last code that was used: none counts twice';

create table recovery_codes (
    account_id uuid not null references accounts on delete cascade,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (account_id, code_hash)
);

create table passkeys (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    credential_id bytea not null unique check (length(credential_id) between 1 and 1023),
    public_key bytea not null,
    sign_count bigint not null default 0,
    name text not null default '',
    created_at timestamptz not null default now(),
    last_used_at timestamptz
);
create index passkeys_account_idx on passkeys (account_id, id);

create table oidc_identities (
    issuer text not null,
    subject text not null,
    account_id uuid not null references accounts on delete cascade,
    created_at timestamptz not null default now(),
    primary key (issuer, subject)
);
create index oidc_identities_account_idx on oidc_identities (account_id);
comment on table oidc_identities is 'who an OpenID provider says an account is; written at the first login';

create table sessions (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    method text not null check (method in ('password', 'passkey', 'oidc')),
    token_version integer not null,
    client text not null default '',
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_reason text not null default ''
);
create index sessions_account_idx on sessions (account_id, id desc);
create index sessions_expires_at_idx on sessions (expires_at);
comment on table sessions is 'a login on one device; the family of its refresh tokens';

create table refresh_tokens (
    token_hash bytea primary key,
    session_id uuid not null references sessions on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    rotated_at timestamptz
);
create index refresh_tokens_session_idx on refresh_tokens (session_id);
comment on column refresh_tokens.rotated_at is 'when it was exchanged for the next one; used again later, it ends its session';

create table account_links (
    token_hash bytea primary key,
    account_id uuid references accounts on delete cascade,
    purpose text not null check (purpose in ('password_reset', 'first_admin')),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint account_links_account_of_purpose check ((purpose = 'first_admin') = (account_id is null))
);
create index account_links_account_idx on account_links (account_id);
comment on table account_links is 'tokens of links that work once; a row is deleted when its link is used';
