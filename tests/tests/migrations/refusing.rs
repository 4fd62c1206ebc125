//! What is refused, with its line and words, and nothing sent.

use super::common::*;
use plimsoll_client::errors::PlimsollError;

#[test]
fn what_is_fixed_for_good_and_differs_is_refused_with_nothing_sent() {
    let mut site = Site::with_market();
    let fixed = |what: &str, on_chain: &str, here: &str| {
        format!(
            "{what} is fixed for good: {on_chain} on the chain, {here} here. Write {on_chain}, or make another market"
        )
    };
    let cases = [
        ("dust_usd", "dust_usd = \"11\"", "15:12", fixed("`policy.dust_usd` of market 1", "10", "11")),
        (
            "bonus_default_bps",
            "bonus_default_bps = 400",
            "17:21",
            fixed("`policy.bonus_default_bps` of market 1", "500", "400"),
        ),
        ("auction_secs", "auction_secs = 601", "18:16", fixed("`policy.auction_secs` of market 1", "600", "601")),
        ("launch", "launch = false", "10:10", fixed("`launch` of market 1", "true", "false")),
        ("launch", "launch = true\nimmutable = true", "11:13", fixed("`immutable` of market 1", "false", "true")),
        ("trigger_secs", "trigger_secs = 121", "144:16", fixed("`backstop.trigger_secs` of USDC", "120", "121")),
        ("kind", "kind = \"push\" # feed", "57:8", fixed("`oracle.kind` of SOL", "\"pull\"", "\"push\"")),
        ("decimals", "decimals = 8", "51:12", "`decimals` of SOL is 8; its mint has 9".to_owned()),
    ];
    for (key, line, place, expected) in cases {
        let text = Text::example().with(0, key, line);
        let text = if key == "kind" { text.with(0, "feed", "") } else { text };
        // Something that could be done at once, and is not.
        let text = text.with(0, "borrow_tokens", "borrow_tokens = \"1\"");
        let before = site.everything();
        assert_eq!(site.refused(&text), format!("m.toml:{place}: {expected}"));
        assert_eq!(site.everything(), before);
    }
}

#[test]
fn an_immutable_market_is_made_with_depths_at_their_floors_and_is_then_left_alone() {
    let mut site = Site::new();
    let immutable = Text::example().with(0, "launch", "launch = true\nimmutable = true");
    let refused = site.refused(&immutable);
    assert!(refused.starts_with("m.toml:70:22: SOL: In an immutable market nobody will confirm a depth"), "{refused}");
    let at_floor = immutable.with(0, "depth_floor_tokens", "depth_floor_tokens = \"1000000\"").with(
        1,
        "depth_floor_tokens",
        "depth_floor_tokens = \"50000000\"",
    );
    let planned = site.planned(&at_floor.file());
    assert!(planned[0].ends_with("; immutable from its launch on"), "{planned:?}");
    assert!(planned[4].contains("nothing of it changes from here on"), "{planned:?}");
    site.apply(&at_floor.file()).expect("a market");
    assert!(site.market().is_frozen());
    let sent = site.sent;
    assert_eq!(site.apply(&at_floor.file()).expect("nothing to do"), Vec::<String>::new());
    assert_eq!(site.sent, sent);
    // A change is told as what it is: nobody can make it.
    let changed = at_floor.with(0, "supply_tokens", "supply_tokens = \"1\"");
    let refused = site.refused(&changed);
    let expected =
        "m.toml:89:17: caps.supply_tokens of SOL: Market is immutable; nothing of it changes (ImmutableMarket)";
    assert_eq!(refused, expected);
    assert_eq!(site.sent, sent);
}

#[test]
fn a_chain_that_lacks_what_the_file_names_is_refused_by_name() {
    let nobody = Pubkey::new_from_array([7; 32]);
    let sol_price = "7UVimffxr9ow1uXYxsr4LHAcV58mLzhmwaeKvJ1pjLiE";
    let unfit = |account: &str, error: PlimsollError| {
        format!("59:17: {account} does not serve as the price account of SOL: {error} ({error:?})")
    };
    let too_large = PlimsollError::CapTooLargeForDepth;
    let cases = [
        (
            "mint",
            format!("mint = \"{nobody}\""),
            format!("50:8: expected the mint of SOL at {nobody}; there is no account on this chain"),
        ),
        (
            "mint",
            format!("mint = \"{sol_price}\""),
            format!("50:8: {sol_price} cannot be the mint of SOL: {} (NotAMint)", PlimsollError::NotAMint),
        ),
        (
            "price_account",
            format!("price_account = \"{nobody}\""),
            format!("59:17: expected a price account of SOL at {nobody}; there is none. Post a price there first"),
        ),
        ("price_account", format!("price_account = \"{USDC_MINT}\""), unfit(USDC_MINT, PlimsollError::WrongPriceOwner)),
        ("feed", format!("feed = \"{}\"", "ab".repeat(32)), unfit(sol_price, PlimsollError::WrongFeed)),
        (
            "collateral_tokens",
            "collateral_tokens = \"30000\"".into(),
            format!(
                "90:21: SOL: {too_large} (CapTooLargeForDepth)\n    \
                 line 90: caps.collateral_tokens is 30000; 24818.257199444 or less would pass\n    \
                 line 68: risk.depth_tokens is 1000000; 1208787.537292186 or more would pass\n    \
                 line 69: risk.depth_floor_tokens is 100000; 161171.671638958 or more would pass\n    \
                 line 62: risk.maintenance_bps is 8000; 7708 or less would pass\n    \
                 line 67: risk.impact_sqrt_bps is 1000; 50 or less would pass\n    \
                 line 72: risk.sigma_ref_bps is 400; 484 or more would pass\n    \
                 line 71: risk.sigma_cap_bps is 1500; 1240 or less would pass"
            ),
        ),
    ];
    for (key, line, expected) in cases {
        let mut site = Site::new();
        assert_eq!(site.refused(&Text::example().with(0, key, &line)), format!("m.toml:{expected}"));
        assert!(!site.world.exists(&address::market(1)));
    }
}

#[test]
fn a_price_too_old_to_begin_with_is_refused() {
    let mut site = Site::new();
    site.world.advance(61);
    let refused = site.refused(&Text::example());
    let stale = PlimsollError::StalePrice;
    let expected = format!("m.toml:59:17: SOL cannot be made at the price of now: {stale} (StalePrice)");
    assert_eq!(refused.lines().next(), Some(expected.as_str()));
}

#[test]
fn a_chain_without_the_program_wants_it_named() -> Result<()> {
    let mut site = Site::new();
    site.world.svm.set_account(PROGRAM_ID, solana_account::Account::default())?;
    let unnamed = Text::example().with(0, "[program]", "").with(0, "so =", "").with(0, "keypair", "");
    let refused = site.refused(&unnamed);
    let expected =
        format!("there is no program at {PROGRAM_ID} on this chain; name it in [program], with `so` and `keypair`");
    assert_eq!(refused, format!("m.toml:1:1: {expected}"));
    let elsewhere = Text::example().with(0, "keypair", "keypair = \"localnet.toml\"");
    assert!(site.refused(&elsewhere).starts_with(&format!("m.toml:6:11: expected the key of {PROGRAM_ID}")));
    Ok(())
}

#[test]
fn a_stranger_is_told_whose_key_is_wanted() -> Result<()> {
    let mut site = Site::with_market();
    let admin = site.signer.address();
    let stranger = site.world.person("stranger");
    site.signer = stranger.clone();
    let tighter = Text::example().with(0, "borrow_tokens", "borrow_tokens = \"1\"");
    let who = format!("{} is not admin or council of market 1: admin is {admin}, council {admin}", stranger.address());
    assert_eq!(site.refused(&tighter), format!("{who}. Sign with that key"));
    // Who has nothing to do needs no role.
    assert_eq!(site.apply(&example())?, Vec::<String>::new());
    Ok(())
}
