"""How the pipeline works at this moment: lag and rates from Kafka, what workers say of themselves, and what needs attention."""
