//! Sequences that once failed, as they shrank.
