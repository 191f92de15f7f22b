-- Webhook endpoints of users, and those to which the statuses of deliveries are reported.

create sequence webhook_endpoint_version_seq;

create function raise_version_of_webhook_endpoint() returns trigger language plpgsql as $$
begin
    new.version := nextval('webhook_endpoint_version_seq');
    new.updated_at := now();
    return new;
end $$;

create table webhook_endpoints (
    id uuid primary key,
    kind text not null check (kind in ('user', 'status')),
    user_id text references users on delete cascade,
    url text not null check (length(url) between 1 and 2048),
    description text not null default '',
    types text[] not null default '{}',
    categories text[] not null default '{}',
    statuses text[] not null default '{}',
    signature text not null default 'hmac' check (signature in ('hmac', 'ed25519')),
    is_enabled boolean not null default true,
    enabled_at timestamptz not null default now(),
    disabled_at timestamptz,
    disabled_reason text not null default '' check (disabled_reason in ('', 'gone', 'failing', 'operator')),
    secret bytea not null,
    public_key bytea not null default '',
    secret_created_at timestamptz not null default now(),
    previous_secret bytea not null default '',
    previous_public_key bytea not null default '',
    previous_created_at timestamptz,
    previous_expires_at timestamptz,
    version bigint not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint webhook_endpoints_user_of_kind check ((kind = 'user') = (user_id is not null)),
    constraint webhook_endpoints_disabled_with_reason check (is_enabled = (disabled_at is null) and is_enabled = (disabled_reason = ''))
);
comment on column webhook_endpoints.types is 'types of notifications, exact or order.* for a beginning; empty: all';
comment on column webhook_endpoints.secret is 'encrypted (agents/providers/endpoint_secrets.py); the key is derived from providers.webhook.master_secret';
comment on column webhook_endpoints.public_key is 'the 32 bytes of an ed25519 key; empty with hmac';
comment on column webhook_endpoints.previous_secret is 'signs as well until previous_expires_at; empty: there is none';
-- The id of a delivery is derived from user and URL, so a URL is one endpoint of a user.
create unique index webhook_endpoints_user_url_key on webhook_endpoints (coalesce(user_id, ''), url);
create index webhook_endpoints_user_id_idx on webhook_endpoints (user_id);
create index webhook_endpoints_url_idx on webhook_endpoints (url);
create index webhook_endpoints_status_idx on webhook_endpoints (id) where kind = 'status';

create trigger raise_version before insert or update on webhook_endpoints
    for each row execute function raise_version_of_webhook_endpoint();

-- The endpoints of a user are a part of the profile.
create trigger bump_version_after_insert after insert on webhook_endpoints
    referencing new table as changed for each statement execute function bump_versions_of_changed_users();
create trigger bump_version_after_delete after delete on webhook_endpoints
    referencing old table as changed for each statement execute function bump_versions_of_changed_users();
create trigger bump_version_after_update after update on webhook_endpoints
    referencing new table as changed for each statement execute function bump_versions_of_changed_users();

-- What the recorder finds out about endpoints. In tables of their own, so that no call raises the version of an endpoint or a user; without
-- references, because a row that comes after its endpoint was deleted must not make a commit of the recorder fail.
create table webhook_endpoint_counts (
    endpoint_id uuid not null,
    hour timestamptz not null,
    succeeded integer not null,
    failed integer not null,
    primary key (endpoint_id, hour)
) with (fillfactor = 70);
create index webhook_endpoint_counts_hour_idx on webhook_endpoint_counts (hour);

create table webhook_endpoint_health (
    endpoint_id uuid primary key,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    failing_since timestamptz,
    failures integer not null default 0,
    last_code integer not null default 0
) with (fillfactor = 70);
comment on column webhook_endpoint_health.failing_since is 'the first failure after the last success; null: there is none';
comment on column webhook_endpoint_health.failures is 'since failing_since';
