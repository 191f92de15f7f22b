-- The erasure log.
create table erasures (
    id uuid primary key,
    user_id text not null,
    erased_at timestamptz not null default now(),
    erased_by text not null,
    reason text not null,
    counts jsonb not null check (jsonb_typeof(counts) = 'object')
);
comment on table erasures is 'who was erased, only appended to; after a restore of an older backup they are erased again';
create index erasures_user_id_idx on erasures (user_id, id desc);
create trigger append_only before update or delete on erasures for each row execute function reject_change();
create trigger append_only_as_a_whole before truncate on erasures for each statement execute function reject_change();

comment on column suppressions.address is 'as addresses are compared: the normal form (docs/addresses.md), of e-mail in lower case; hmac: and 64 digits after the erasure of its user; empty: every address of the user on the channel';
