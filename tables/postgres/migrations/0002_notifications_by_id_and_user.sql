-- A producer may give ids of its own, and may give one to two users: these are two notifications. A recorder of the release before cannot
-- merge rows with this key; it retries until it is replaced, and nothing is lost.
alter table notifications drop constraint notifications_pkey;
alter table notifications add primary key (id, user_id);
