"""Throughput, memory and start-up of clinspan against named peers."""
