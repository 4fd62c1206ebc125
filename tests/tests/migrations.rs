//! Migrations on the real program: what a file plans, what carrying it out leaves, and that a second run finds nothing to do.

mod migrations {
    mod common;

    mod creating;
    mod governing;
    mod refusing;
}
