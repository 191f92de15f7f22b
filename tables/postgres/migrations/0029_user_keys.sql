-- The data keys of users, wrapped with an outer key that is not in the database. The row of a destroyed key stays, so that what it had
-- sealed is known to be erased, and not taken for damaged.
create table user_keys (
    user_id text not null,
    version smallint not null check (version > 0),
    outer_key_id text not null,
    wrapped_key bytea,
    created_at timestamptz not null default now(),
    erased_at timestamptz,
    primary key (user_id, version),
    constraint user_keys_erased_without_key check ((wrapped_key is null) = (erased_at is not null))
);
comment on column user_keys.user_id is 'a key outlives its user, who may be unknown; empty: of records without a user';
comment on column user_keys.version is 'sealed bytes name the version that sealed them; the greatest one seals';
comment on column user_keys.wrapped_key is 'null: destroyed by the erasure of the user';
create index user_keys_outer_key_id_idx on user_keys (outer_key_id, user_id, version) where wrapped_key is not null;
