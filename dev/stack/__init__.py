"""Real Kafka, PostgreSQL and Valkey from wheels and locked jars, and the supervisor that runs them with everything else."""
