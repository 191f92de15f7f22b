-- Webhook endpoints that get the webhooks of a user one after the other.
alter table webhook_endpoints add column ordered boolean not null default false;
comment on column webhook_endpoints.ordered is 'the webhooks of a user come one after the other: while one is retried, those after it wait';
