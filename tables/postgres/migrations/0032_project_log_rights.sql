-- The role of a request in an installation with projects erases a user from the logs as herold_app does, and may change them no other way.
grant execute on function erase_from_logs(text, text, text[], uuid, text) to herold_project;
revoke update, delete on audit_log, consent_events, log_chain, log_checkpoints from herold_project;
revoke update on unlinked_entries from herold_project;
