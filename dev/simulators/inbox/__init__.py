"""The inbox: the last messages that the simulated providers accepted, for people to look at."""
