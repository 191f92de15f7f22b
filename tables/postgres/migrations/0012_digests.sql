-- Rules that gather notifications into one.

alter table rules add column digest jsonb constraint rules_digest_is_an_object check (jsonb_typeof(digest) = 'object');
comment on column rules.digest is '{"window": seconds} or {"cron": expression}, with max_count, key, template and by_default; null: each notification is sent alone';
