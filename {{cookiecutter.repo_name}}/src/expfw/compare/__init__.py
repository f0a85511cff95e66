"""Experiments side by side: what differs in what they ran with, and whether one is better than chance explains."""
