"""What providers report: verified, and mapped to the events of `notifications.status`; pure."""
