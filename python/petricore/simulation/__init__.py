"""Simulation: many independent runs of a net, and what was seen in them."""
