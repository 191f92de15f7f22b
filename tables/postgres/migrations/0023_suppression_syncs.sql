-- When the suppression lists of a provider's account were read. A worker that begins a run moves began_at, so that no other one does.
create table suppression_syncs (
    account text primary key,
    began_at timestamptz not null,
    completed_from timestamptz
);
comment on column suppression_syncs.completed_from is 'beginning of the last complete run: the next one reads what was added since';
