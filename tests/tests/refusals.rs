//! Refusals: every bad input ends in exactly one named error, and changes nothing.

mod refusals {
    mod common;

    mod accounts;
    mod amounts;
    mod backstop;
    mod config;
    mod extensions;
    mod feeds;
    mod flash;
    mod health;
    mod legs;
    mod oracle_table;
    mod parameters;
    mod pauses;
    mod prices;
    mod tokens;
}
