alter table waiting_reports add column merged_at timestamptz;
comment on column waiting_reports.merged_at is 'when it was merged; until producers have heard of it the row stays';
