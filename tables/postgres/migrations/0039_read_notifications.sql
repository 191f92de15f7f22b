-- The app of a producer can say that a notification was read, on whichever channel; a rule may escalate unless it was.
alter table notifications add column read_at timestamptz;
comment on column notifications.read_at is 'when the app of its producer first said that it was read';
alter table rules
    drop constraint rules_escalate_unless_check,
    add constraint rules_escalate_unless_check check (escalate_unless in ('sent', 'delivered', 'read'));
