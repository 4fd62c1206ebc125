//! Stateful fuzzing of the real program: sequences of steps by anybody, in any order, at any price, with any account. After
//! each step every invariant holds and every refusal has a name. How to run and read it: `docs/testing.md`.

mod fuzz {
    mod regressions;
    mod run;
    mod scene;
    mod steps;
    mod take;
    mod verbs;
}
