-- What providers report of deliveries: each report once, those whose delivery is not recorded yet, and inbound messages.

alter table deliveries
    add column sent_at timestamptz,
    add column delivered_at timestamptz,
    add column opened_at timestamptz,
    add column clicked_at timestamptz;
comment on column deliveries.sent_at is 'when it was first SENT, as reported or before its status changed; while it is SENT, updated_at may be earlier';
comment on column deliveries.delivered_at is 'when it was first DELIVERED, likewise';
comment on column deliveries.opened_at is 'when it was first opened, as the provider or the app reports it';
comment on column deliveries.clicked_at is 'when a link in it was first clicked';

-- The inbox: a report is recorded in the transaction that inserts its row, so that one that comes again changes nothing. The delivery is part
-- of the key because a partitioned table needs it there; a report is always of the same delivery.
create table provider_events (
    id uuid not null,
    provider text not null,
    event_key text not null,
    event text not null,
    received_at timestamptz not null,
    primary key (id, provider, event_key)
) partition by range (id);
comment on column provider_events.id is 'the delivery; its time names the partition, as in deliveries';
comment on column provider_events.event_key is 'the report among those of its provider (docs/guide/receipts.md)';
create table provider_events_default partition of provider_events default;

-- Reports that came before the row of their delivery. Nearly always empty, so that asking for them costs nothing.
create table waiting_reports (
    delivery_id uuid not null,
    provider text not null,
    event_key text not null,
    value bytea not null,
    topic text not null,
    "partition" integer not null,
    "offset" bigint not null,
    received_at timestamptz not null,
    primary key (delivery_id, provider, event_key)
);
comment on column waiting_reports.value is 'the event as it is on the topic';
comment on column waiting_reports.received_at is 'timestamp of the record; after seven days it becomes a dead letter';
create index waiting_reports_received_at_idx on waiting_reports (received_at);

-- STOP and START stay for good: Twilio signs no time, so that a START that is sent again years later must find itself here.
create table inbound_messages (
    provider text not null,
    event_key text not null,
    event text not null check (event in ('stop', 'start', 'help')),
    channel text not null references channels,
    received_at timestamptz not null,
    primary key (provider, event_key)
);
create index inbound_messages_help_idx on inbound_messages (received_at) where event = 'help';
