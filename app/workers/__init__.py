"""The composition root of each role: its Faust app, agents, tables and connections."""
