-- API keys of producers and tools. Nothing of a key's text is stored but its SHA-256.
create sequence api_key_version_seq;

create table api_keys (
    id text collate "C" primary key check (id ~ '^[a-z2-7]{8}$'),
    project text collate "C" not null default '',
    name text collate "C" not null check (length(name) between 1 and 128),
    role text not null check (role in ('admin', 'operator', 'developer', 'viewer', 'service')),
    scopes text[] not null default '{}',
    is_test boolean not null default false,
    digest bytea not null check (length(digest) = 32),
    previous_digest bytea not null default '',
    previous_expires_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null default now(),
    created_by text not null,
    version bigint not null default nextval('api_key_version_seq')
);
comment on column api_keys.project is 'empty: the default project';
comment on column api_keys.scopes is 'the permissions of the role that the key has; empty: all of them';
comment on column api_keys.digest is 'SHA-256 of the text of the key';
comment on column api_keys.previous_digest is 'of the key before the last rotation, which counts as well until previous_expires_at; empty: there is none';
comment on column api_keys.last_used_at is 'written from time to time, with every process that was used: a minute late at most';

create index api_keys_name_idx on api_keys (project, name, id);
