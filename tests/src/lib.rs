//! Tests across instructions; see `tests/`.
