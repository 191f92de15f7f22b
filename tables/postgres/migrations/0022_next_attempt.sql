-- When the next attempt follows, if the delivery waits for it in the scheduler; null for an attempt that none follows.
alter table delivery_logs add column next_attempt_at timestamptz;
