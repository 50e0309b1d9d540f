"""Executors: where actions run. They know jobs, and neither nets nor agents."""
