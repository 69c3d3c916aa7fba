"""Prospective evidence: predictions written down before their outcome, kept in a hash chain, and judged afterwards."""
