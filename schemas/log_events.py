"""The names of log events. Each is one line with all its fields; no line contains a body, an address or a token."""

from typing import Literal

LogEvent = Literal[
    "router.batch_completed",  # the router decided a batch: counts per state and reason
    "router.batch_delayed",  # profiles or the policy cannot be read, so part of a batch waits
    "delivery.batch_completed",  # a delivery batch ended: counts per outcome
    "delivery.dead_lettered",  # a delivery became a dead letter: reason and ids
    "delivery.account_paused",  # a provider rejects the credentials or the account: cause and what to do; once for each pause
    "delivery.account_resumed",  # a probe showed that the account works again
    "delivery.category_stopped",  # too many e-mails of a category bounced, so that they wait: counts, and what to do
    "delivery.category_resumed",  # of an hour fewer e-mails of the category have bounced
    "delivery.pauses_unknown",  # PostgreSQL does not answer; the pauses of accounts that were read last count
    "delivery.bounces_unknown",  # PostgreSQL does not answer, so bounces are not counted; what is stopped stays so
    "delivery.breaker_opened",  # the calls of an account or webhook host fail or are throttled: its deliveries wait; once for each opening
    "delivery.outage_redriven",  # an account answers again, so its dead letters are redriven: the redrive and how many
    "delivery.breaker_closed",  # probes showed that the account or host answers again
    "delivery.consent_unavailable",  # profiles cannot be read, so deliveries that need consent wait; once for each outage
    "delivery.keys_unavailable",  # the keys of users cannot be read, so a batch of sealed deliveries waits
    "webhook.endpoints_unavailable",  # PostgreSQL does not answer, so the last known webhook endpoints are used; once for each outage
    "webhook.endpoint_disabled",  # a webhook endpoint has only failed for days, or has answered that it is gone: its id and the reason
    "scheduler.batch_completed",  # scheduled records were stored: counts per result
    "scheduler.released",  # entries that were due were released: counts per priority, and the greatest lateness
    "scheduler.broadcast_page_produced",  # Kafka has acknowledged the notifications of a page of a broadcast
    "scheduler.broadcast_failed",  # a broadcast cannot be expanded and ends: the error
    "scheduler.broadcast_cancels_requested",  # what waits of a broadcast that was cancelled is being cancelled: how many of a page
    "scheduler.broadcast_count_failed",  # a page of a broadcast cannot be counted, and is tried again later: the error, in how many seconds
    "scheduler.broadcast_counts_delayed",  # PostgreSQL or Kafka does not answer, so the counts and cancels of broadcasts wait
    "scheduler.broadcasts_delayed",  # PostgreSQL or Kafka does not answer, so broadcasts wait
    "scheduler.schedule_run",  # a schedule was due: the broadcasts of its runs, how many were missed and are skipped, the next run
    "scheduler.schedule_ended",  # the times of a schedule cannot be computed, so it never runs again: the error
    "scheduler.schedules_delayed",  # PostgreSQL does not answer, so schedules wait
    "scheduler.redrive_page_produced",  # Kafka has acknowledged the records of a page of a redrive: counts per result
    "scheduler.redrive_failed",  # a redrive cannot go on: the error
    "scheduler.redrives_delayed",  # PostgreSQL or Kafka does not answer, so redrives wait
    "scheduler.suppressions_synced",  # a list of a provider was read: how many entries, and how many were new
    "scheduler.suppression_sync_delayed",  # a list of a provider cannot be read; the next run begins where the last complete one did
    "audit.checkpoint_signed",  # the head of a log was signed: number, hash, signature; a copy elsewhere shows if it is cut later
    "audit.gathering_delayed",  # PostgreSQL does not answer, so readings of personal data wait to be entries of the audit log
    "audit.linking_delayed",  # PostgreSQL does not answer, so entries wait for their place in the chain of their log
    "recorder.batch_committed",  # a group of events was committed to PostgreSQL
    "recorder.database_unavailable",  # PostgreSQL does not answer; no batch is acknowledged until it does
    "recorder.resend_too_large",  # a delivery that a carrier could not deliver is not sent again: its entry does not fit into a record
    "recorder.dead_lettered",  # an event that cannot be recorded became a dead letter
    "sealing.address_unreadable",  # a sealed address of a report or suppression does not open, so its token stands for it: ids and cause
    "limits.redis_unavailable",  # Redis does not answer, so each process counts its calls or requests by itself; once for each outage
    "limits.redis_available",  # the calls or requests of all processes are counted together again
    "policy.loaded",  # a new version of rules, templates and rate limits was loaded
    "policy.refresh_failed",  # the policy could not be read; the previous one stays current
    "policy.restored",  # PostgreSQL does not answer at the start; the last known policy came from the file
    "policy.file_invalid",  # the file with the last known policy cannot be read or is damaged; it is not used
    "policy.save_failed",  # the last known policy cannot be written to the file; a restart without PostgreSQL would have none
    "partitions.maintained",  # history partitions were created or dropped
    "gateway.request_completed",  # an HTTP request was answered
    "gateway.connection_rejected",  # a connection was closed before a request: headers too large, too slow, one connection too many
    "gateway.process_exited",  # one of several gateway processes ended by itself; it is started again
    "gateway.live_feed_failed",  # the live view could not read Kafka; its clients are closed, and connect again
    "gateway.live_closed",  # a client of the live view has gone, or was closed
    "gateway.live_check_failed",  # the principals of the live view's clients could not be checked; the next check is in 30 s
    "gateway.produce_failed",  # Kafka did not acknowledge a notification in time
    "gateway.eviction_delayed",  # Redis did not answer after a change of users; their cached profiles are deleted when it does
    "auth.refresh_token_reused",  # a refresh token was used again that had been exchanged, so its session has ended: ids
    "auth.secret_unreadable",  # the secret of an account's one-time codes was sealed with another auth.secret: the account
    "auth.link_not_sent",  # a link to choose a password could not be stored or submitted: the cause
    "auth.signing_keys_unusable",  # the file of signing keys has changed and cannot be used; the former keys go on
    "auth.provider_unavailable",  # the OpenID provider does not answer, or not as it should: the cause
    "worker.position_jumped",  # Kafka no longer has the offset that was to be read next: where the partition continues
    "worker.dead_letter_limit_reached",  # too many dead letters in a minute, so the worker ends: counts of that minute
    "worker.shutdown_callback_cancelled",  # what a worker stops before its end took too long: a provider or server does not answer
    "tls.certificate_reloaded",  # the files of a server's certificate have changed, and the new one is used: the setting
    "tls.certificate_rejected",  # the changed files of a certificate cannot be used; the previous one is, until it expires
    "worker.keys_missing",  # projects ask for encryption, and this worker has no keys: which ones, what comes of it, what to do
    "worker.started",  # a worker or the gateway is ready
]
