"""The scheduler: scheduled.<priority> -> the table due -> the target topic of each entry when it is due; cancel and reschedule by id."""
