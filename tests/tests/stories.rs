//! Stories: what happens to borrowers, lenders and liquidators over time, told through the real program.

mod stories {
    mod attacks;
    mod auctions;
    mod backstop;
    mod circle;
    mod common;
    mod counting;
    mod cross_margin;
    mod dead_feeds;
    mod defaults;
    mod depths;
    mod dust;
    mod flash;
    mod governance;
    mod interest;
    mod kit;
    mod limits;
    mod liquidations;
    mod protection;
    mod provisions;
    mod quotes;
    mod recovery;
    mod reserves;
    mod sales;
    mod throttles;
    mod traps;
    mod volatility;
    mod walks;
}
