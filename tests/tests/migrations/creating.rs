//! From nothing to a market, in one run or in many.

use super::common::*;

#[test]
fn a_plan_says_everything_and_sends_nothing() {
    let site = Site::new();
    let [sol, usdc] = mints().map(|mint| address::reserve(&address::market(1), &mint));
    let expected = [
        format!("create   market 1   {}; the signer is admin, guardian and council", address::market(1)),
        format!("create   SOL        {sol}, 9 decimals"),
        format!("create   USDC       {usdc}, 6 decimals"),
        format!("create   USDC pool  {}", address::backstop(&usdc, 0)),
        "launch   market 1   for good; a token added later starts with a collateral cap of zero".to_owned(),
    ];
    assert_eq!(site.planned(&example()), expected);
    for address in [address::market(1), sol, usdc, address::backstop(&usdc, 0)] {
        assert!(!site.world.exists(&address));
    }
}

#[test]
fn what_is_written_is_what_the_chain_holds_and_a_second_run_finds_nothing_to_do() -> Result<()> {
    let (mut site, file) = (Site::new(), example());
    assert_eq!(site.apply(&file)?, Vec::<String>::new());
    let (market, reserves, backstop) = site.everything();
    assert_eq!(market.policy, file.policy);
    assert!(market.is_launched());
    assert_eq!([market.admin, market.guardian, market.council, market.treasury], [site.signer.address().to_bytes(); 4]);
    for (state, reserve) in reserves.iter().zip(&file.reserves) {
        let config = reserve.config(state.decimals).expect("whole atoms");
        // Of the volatility it began with nothing is kept.
        assert_eq!(
            state.config(),
            plimsoll_engine::state::ReserveConfig { sigma_bps: config.risk.sigma_floor_bps, ..config }
        );
    }
    assert_eq!(reserves[0].caps.collateral_atoms, 10_000_000_000_000);
    assert_eq!(reserves[0].caps.outflow_atoms, u64::MAX);
    assert_eq!(Some(backstop.policy), file.reserves[1].backstop.map(|(policy, _)| policy));

    let sent = site.sent;
    assert_eq!(site.apply(&file)?, Vec::<String>::new());
    assert_eq!(site.sent, sent);
    assert_eq!(site.everything(), (market, reserves, backstop));
    Ok(())
}

#[test]
fn a_run_that_breaks_off_anywhere_is_finished_by_the_next() -> Result<()> {
    let mut whole = Site::new();
    whole.apply(&example())?;
    assert_eq!(whole.sent, 5);
    for steps in 0..whole.sent {
        let mut site = Site::new();
        site.sends_max = steps;
        let broken = format!("{:#}", site.apply(&example()).expect_err("a broken line"));
        assert!(broken.starts_with(&format!("step {} of 5, ", steps + 1)), "{broken}");
        assert!(broken.ends_with("the line is broken"), "{broken}");
        assert_eq!(site.sent, steps);
        site.sends_max = usize::MAX;
        site.apply(&example())?;
        assert_eq!(site.sent, whole.sent, "nothing is done twice");
        assert_eq!(site.everything(), whole.everything());
    }
    Ok(())
}

#[test]
fn the_program_is_deployed_where_it_is_missing_and_a_difference_is_told() -> Result<()> {
    let mut site = Site::new();
    site.world.svm.set_account(PROGRAM_ID, solana_account::Account::default())?;
    let lines = site.planned(&example());
    assert!(lines[0].starts_with(&format!("deploy   program    {PROGRAM_ID}, ")), "{}", lines[0]);
    assert_eq!(lines.len(), 6);
    assert_eq!(site.apply(&example())?, Vec::<String>::new());

    let (loader, code) = (site.world.svm.get_account(&PROGRAM_ID).expect("the program"), 45);
    let address = Pubkey::try_from(&loader.data[4..36])?;
    let mut data = site.world.svm.get_account(&address).expect("the program's data");
    data.data[code + 100] ^= 1;
    site.world.put_account(address, data.owner, data.data);
    let lines = site.planned(&example());
    assert_eq!(lines.len(), 1);
    assert!(lines[0].ends_with("plimsoll.so; it is left as it is"), "{}", lines[0]);
    Ok(())
}

#[test]
fn a_token_added_to_a_launched_market_starts_without_a_cap_which_is_proposed_and_then_doubles() -> Result<()> {
    let mut site = Site::new();
    let sol = Text::example().until(1, "[[reserve]]");
    site.apply(&sol.file())?;
    let file = example();
    let lines = site.planned(&file);
    assert!(lines[0].ends_with("6 decimals, with no collateral cap yet: the market is launched"), "{}", lines[0]);
    // Of 100,000 USD that a first cap may be worth, a tenth is left to the price.
    assert!(
        lines[2].contains(
            "caps.collateral_tokens 0 -> 90000 (line 137); as far as a cap may grow at once, of 100000; ripe"
        ),
        "{}",
        lines[2]
    );
    let waits = site.apply(&file)?;
    assert_eq!((waits.len(), site.reserve(1).caps.collateral_atoms), (1, 0));
    assert!(
        waits[0].starts_with("wait     USDC       caps.collateral_tokens 0 -> 90000 (line 137); proposed; ripe"),
        "{}",
        waits[0]
    );

    site.advance(DELAY);
    let waits = site.apply(&file)?;
    assert_eq!((waits.len(), site.reserve(1).caps.collateral_atoms), (1, 90_000_000_000));
    site.advance(DELAY);
    assert_eq!(site.apply(&file)?, Vec::<String>::new());
    assert_eq!(site.reserve(1).caps.collateral_atoms, 100_000_000_000);
    Ok(())
}

#[test]
fn what_was_sent_and_is_not_there_afterwards_is_told() {
    let mut site = Site::with_market();
    site.is_deaf = true;
    let file = Text::example().with(0, "borrow_tokens", "borrow_tokens = \"40000\"").file();
    let told = site.apply(&file).expect_err("nothing arrived").to_string();
    let left = "tighten  SOL        caps.borrow_tokens 50000 -> 40000 (line 89); at once";
    assert_eq!(told, format!("everything was sent, and the chain still differs from the file:\n{left}"));
}
