-- Fills the tables that grow with users and notifications, so that the planner prefers indexes; without triggers.
set session_replication_role = replica;
insert into users (id, addresses, version)
select 'p-' || n, jsonb_build_object('email', array['p' || n || '@example.org']), n from generate_series(1, 20000) as n;
insert into users (id, version) values ('u-42', 0);
insert into devices (user_id, token) select 'p-' || n, 'token-' || n from generate_series(1, 20000) as n;
insert into user_preferences (user_id, category, choice) select 'p-' || n, 'marketing', 'out' from generate_series(1, 20000) as n;
insert into consent_events (id, user_id, category, channel, change, old_choice, new_choice, source, actor, reason)
select make_uuid(n), 'p-' || n % 5000, 'marketing', 'email', 'preference_set', '', 'out', 'api', 'test', '' from generate_series(1, 20000) as n;
insert into suppressions (id, user_id, channel, address, reason, created_by)
select make_uuid(n), 'p-' || n, 'email', 'p' || n || '@example.org', 'complaint', 'test' from generate_series(1, 20000) as n;
insert into notifications (id, user_id, type, category, priority, state, reason, deliveries, decision_log, created_at, decided_at, is_test)
select make_uuid(n), 'p-' || n % 5000, 'invoice.paid', 'invoices', 'low', 'routed', '',
    json_build_array(json_build_array('dlv_' || replace(make_uuid(n)::text, '-', ''), 'email')),
    '[["decode","pass"],["rendering","pass","",{"email":"invoice@1 default"}]]', now(), now(), n % 100 = 0
from generate_series(1, 20000) as n;
insert into deliveries (id, notification_id, user_id, channel, status, status_rank, reason, outcome, redrive_count, attempt, provider,
    provider_message_id, created_at, updated_at)
select make_uuid(n), make_uuid(n), 'p-' || n % 5000, 'email', case when n % 20 = 0 then 'FAILED' else 'SENT' end, 10,
    case when n % 20 = 0 then 'expired' else '' end, '', 0, 0, 'smtp', '', now(), now()
from generate_series(1, 20000) as n;
insert into dead_letters (id, topic, "partition", "offset", created_at, stage, reason, error, source_topic, source_partition,
    source_offset, attempts, user_id, truncated, cause, type, account, channel, state)
select make_uuid(n), 'notifications.dlq', 0, n, now(), 'router', 'undecodable', '', 'notifications.low', 0, n, 0, 'p-' || n, false,
    'cause-' || n % 50, 'invoice.paid', 'smtp', 'email', case when n % 2 = 0 then 'open' else 'redriven' end
from generate_series(1, 20000) as n;
insert into audit_log (id, actor, action, object_type, object_id, occurred_at)
select make_uuid(n), 'actor-' || n % 100, 'change', 'suppression', 'o-' || n, to_timestamp(1759990000 + n * 0.1)
from generate_series(1, 20000) as n;
insert into audiences (id, name, kind, version) values (make_uuid(1), 'weekly', 'list', 1);
insert into audience_members (audience_id, user_id) select make_uuid(1 + n % 2), 'p-' || n from generate_series(1, 20000) as n;
insert into schedules (id, name, cron, time_zone, notification, user_ids, version, created_by)
values (make_uuid(1), 'weekly', '0 9 * * 1', 'UTC', '{"type": "order.shipped"}', array['u-42'], 1, 'test');
insert into broadcasts (id, notification, created_by, schedule_id, audience_name, state)
select make_uuid(n), '{"type": "order.shipped"}', 'test', make_uuid(n % 500), 'audience-' || n % 500, case when n = 1 then 'failed' else 'done' end
from generate_series(1, 20000) as n;
insert into redrives (id, selection, total_count, created_by, state)
select make_uuid(n), '{}', 0, 'test', 'done' from generate_series(1, 20000) as n;
insert into webhook_endpoints (id, kind, user_id, url, secret, version)
select make_uuid(n), 'user', 'p-' || n, 'https://hooks.example.org/' || n, '', n from generate_series(1, 20000) as n;
-- Attempts at the endpoint of the document's example, of which few failed, long ago, among those at others and those at no endpoint.
insert into webhook_endpoints (id, kind, user_id, url, secret, version)
values ('01a2211d759678619811269291aeed15', 'user', 'u-42', 'https://hooks.example.org/42', '', 0);
insert into delivery_logs (id, delivery_id, redrive_count, attempt, status, outcome, reason, provider, provider_message_id, provider_code,
    duration_ms, possible_duplicate, occurred_at, endpoint_id)
select overlay(make_uuid(n)::text placing '9' from 20)::uuid, make_uuid(n), 0, 0, case when n % 4 = 0 or n < 100 then 'FAILED' else 'DELIVERED' end,
    case when n % 4 = 0 or n < 100 then 'UNKNOWN' else 'ACCEPTED' end, '', 'webhook', '', 204, 5, false, to_timestamp(1759990000 + n),
    case n % 4 when 0 then make_uuid(n) when 1 then null else '01a2211d759678619811269291aeed15' end
from generate_series(1, 20000) as n;
-- A project with little among all that.
insert into users (id, version) select '@acme/p-' || n, n from generate_series(1, 20) as n;
insert into notifications (id, user_id, project, type, category, priority, state, reason, deliveries, decision_log, created_at, decided_at, is_test)
select make_uuid(30000 + n), '@acme/p-' || n % 5, 'acme', '@acme/invoice.paid', 'invoices', 'low', 'routed', '',
    json_build_array(json_build_array('dlv_' || replace(make_uuid(30000 + n)::text, '-', ''), 'email')),
    '[["decode","pass"],["rendering","pass","",{"email":"@acme/invoice@1 default"}]]', now(), now(), n % 10 = 0
from generate_series(1, 20) as n;
insert into deliveries (id, notification_id, user_id, project, channel, status, status_rank, reason, outcome, redrive_count, attempt, provider,
    provider_message_id, created_at, updated_at)
select make_uuid(30000 + n), make_uuid(30000 + n), '@acme/p-' || n % 5, 'acme', 'email', case when n % 4 = 0 then 'FAILED' else 'SENT' end, 10,
    case when n % 4 = 0 then 'expired' else '' end, '', 0, 0, 'smtp', '', now(), now()
from generate_series(1, 20) as n;
insert into dead_letters (id, topic, "partition", "offset", created_at, stage, reason, error, source_topic, source_partition,
    source_offset, attempts, user_id, project, truncated, cause, type, account, channel, state)
select make_uuid(30000 + n), 'notifications.dlq', 0, 30000 + n, now(), 'router', 'undecodable', '', 'notifications.low', 0, n, 0, '@acme/p-' || n,
    'acme', false, 'cause-' || n % 5, '@acme/invoice.paid', 'smtp', 'email', case when n % 2 = 0 then 'open' else 'redriven' end
from generate_series(1, 20) as n;
set session_replication_role = origin;
analyze;
