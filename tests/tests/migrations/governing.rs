//! Differences to a market that is there already.

use super::common::*;

#[test]
fn what_tightens_is_done_at_once_and_what_loosens_is_proposed_waits_and_is_executed_by_a_later_run() -> Result<()> {
    let mut site = Site::with_market();
    let file = Text::example()
        .with(0, "borrow_tokens", "borrow_tokens = \"40000\"")
        .with(0, "supply_tokens", "supply_tokens = \"100000.5\"")
        .file();
    let ripe = "ripe 2027-01-17 08:00:00 UTC, lapses 2027-01-20 08:00:00 UTC";
    let propose = format!("propose  SOL        caps.supply_tokens 100000 -> 100000.5 (line 88); {ripe}");
    let tighten = "tighten  SOL        caps.borrow_tokens 50000 -> 40000 (line 89); at once".to_owned();
    assert_eq!(site.planned(&file), [propose, tighten]);
    let wait = [format!("wait     SOL        caps.supply_tokens 100000 -> 100000.5 (line 88); proposed; {ripe}")];
    assert_eq!(site.apply(&file)?, wait);
    let caps = site.reserve(0).caps;
    assert_eq!((caps.borrow_atoms, caps.supply_atoms), (40_000_000_000_000, 100_000_000_000_000));
    assert_eq!(site.sent, 2);

    site.advance(DELAY - 1);
    assert_eq!(site.apply(&file)?, wait);
    assert_eq!(site.sent, 2, "what waits is not proposed again");
    site.advance(1);
    let execute = "execute  SOL        caps.supply_tokens 100000 -> 100000.5 (line 88); ripe";
    assert_eq!(site.planned(&file), [execute]);
    assert_eq!(site.apply(&file)?, Vec::<String>::new());
    assert_eq!(site.reserve(0).caps.supply_atoms, 100_000_500_000_000);
    assert_eq!(site.proposal(Parameter::SupplyCap), None);
    assert_eq!(site.sent, 3);
    Ok(())
}

#[test]
fn a_proposal_that_lapsed_or_is_not_the_files_is_cancelled_and_another_written() -> Result<()> {
    let mut site = Site::with_market();
    let larger =
        |tokens: &str| Text::example().with(0, "supply_tokens", &format!("supply_tokens = \"{tokens}\"")).file();
    site.apply(&larger("200000"))?;
    let first = site.proposal(Parameter::SupplyCap).expect("a proposal");
    // The file changed its mind.
    site.apply(&larger("300000"))?;
    let second = site.proposal(Parameter::SupplyCap).expect("a proposal");
    assert_eq!(
        (&first.new[..8], &second.new[..8]),
        (&200_000_000_000_000u64.to_le_bytes()[..], &300_000_000_000_000u64.to_le_bytes()[..])
    );
    // Nobody came in time.
    site.advance(DELAY + LIFE);
    let lines = site.planned(&larger("300000"));
    let over =
        "cancel   SOL        caps.supply_tokens 100000 -> 300000 (line 88); its proposal can no longer be executed";
    assert_eq!((lines.len(), lines[0].as_str()), (2, over));
    site.apply(&larger("300000"))?;
    let third = site.proposal(Parameter::SupplyCap).expect("a proposal");
    assert_eq!(third.ripe_at, site.world.unix() + DELAY);
    // And back to what the chain holds: nothing is to be proposed, and nothing stands.
    let lines = site.planned(&example());
    let not_ours = "cancel   SOL        caps.supply_tokens 100000 -> 300000 (line 88); its proposal is not the file's";
    assert_eq!(lines, [not_ours]);
    assert_eq!(site.apply(&example())?, Vec::<String>::new());
    assert_eq!(site.proposal(Parameter::SupplyCap), None);
    Ok(())
}

#[test]
fn values_go_in_the_order_in_which_each_is_valid() -> Result<()> {
    let mut site = Site::with_market();
    // The depth of the chain does not carry the file's depth with the old cap; the initial factor is above the new one of
    // maintenance; both come later in the file's order.
    let file = Text::example()
        .with(0, "maintenance_bps", "maintenance_bps = 6500")
        .with(0, "depth_tokens", "depth_tokens = \"300000\"")
        .with(0, "initial_bps", "initial_bps = 6000")
        .with(0, "collateral_tokens", "collateral_tokens = \"1000\"")
        .file();
    assert_eq!(site.apply(&file)?, Vec::<String>::new());
    let state = site.reserve(0);
    let target = state.risk_target;
    assert_eq!((target.maintenance_bps, target.depth_atoms), (6_500, 300_000_000_000_000));
    assert_eq!((state.initial.initial_bps, state.caps.collateral_atoms), (6_000, 1_000_000_000_000));
    assert_eq!(state.risk.maintenance_bps, 8_000, "what is in force walks");
    assert_eq!(site.apply(&file)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_change_that_must_wait_for_another_is_told_and_made_by_a_later_run() -> Result<()> {
    let mut site = Site::with_market();
    // More lent on the same collateral wants less impact or more depth; that waits itself.
    let file = Text::example()
        .with(0, "maintenance_bps", "maintenance_bps = 8500")
        .with(0, "depth_tokens", "depth_tokens = \"2000000\"")
        .with(0, "health_max_bonus_bps", "health_max_bonus_bps = 9500")
        .file();
    let waits = site.apply(&file)?;
    assert_eq!(waits.len(), 3, "{waits:?}");
    let refused =
        "refused as things are: Bonus is out of order: min <= default <= max and (1 + max) * m <= health of the \
                   largest bonus < 1 (InvalidBonus)";
    assert!(
        waits.iter().any(|line| line.ends_with(refused) && line.contains("risk.maintenance_bps 8000 -> 8500")),
        "{waits:?}"
    );
    for _ in 0..3 {
        site.advance(DELAY);
        site.apply(&file)?;
    }
    assert_eq!(site.apply(&file)?, Vec::<String>::new());
    assert_eq!(site.reserve(0).risk_target.maintenance_bps, 8_500);
    Ok(())
}

#[test]
fn roles_are_handed_over_in_two_steps() -> Result<()> {
    let mut site = Site::with_market();
    let admin = site.signer.clone();
    let (guardian, treasury) = (site.world.person("guardian"), site.world.person("treasury"));
    let roles = format!(
        "launch = true\n[market.roles]\nguardian = \"{}\"\ntreasury = \"{}\"\n[market.policy]",
        guardian.address(),
        treasury.address()
    );
    let file = Text::example().with(0, "launch", "").with(0, "[market.policy]", &roles).file();
    assert_eq!(site.apply(&file)?.len(), 2);
    site.advance(DELAY);
    let waits = site.apply(&file)?;
    let promised = format!("roles.guardian was promised to {}; apply with its key accepts it", guardian.address());
    assert_eq!(waits, [format!("wait     market 1   {promised}")]);
    assert_eq!(site.market().guardian, admin.address().to_bytes());
    assert_eq!(site.market().treasury, treasury.address().to_bytes());

    site.signer = guardian.clone();
    assert_eq!(site.planned(&file), ["accept   market 1   roles.guardian"]);
    assert_eq!(site.apply(&file)?, Vec::<String>::new());
    assert_eq!(site.market().guardian, guardian.address().to_bytes());
    // A file that does not speak of roles leaves them alone.
    site.signer = admin;
    assert_eq!(site.apply(&example())?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_run_of_changes_that_breaks_off_anywhere_is_finished_by_the_next() -> Result<()> {
    let file = Text::example()
        .with(0, "collateral_tokens", "collateral_tokens = \"1000\"")
        .with(0, "depth_tokens", "depth_tokens = \"300000\"")
        .with(0, "supply_tokens", "supply_tokens = \"200000\"")
        .with(0, "flash_fee_bps", "flash_fee_bps = 6")
        .file();
    let mut whole = Site::with_market();
    // A proposal of before, that is to go.
    let before = Text::example().with(0, "supply_tokens", "supply_tokens = \"150000\"").file();
    whole.apply(&before)?;
    whole.sent = 0;
    let start = whole.clone();
    whole.apply(&file)?;
    let at_once = whole.sent;
    whole.advance(DELAY);
    whole.apply(&file)?;
    assert_eq!((at_once, whole.sent), (5, 7));
    for steps in 0..whole.sent {
        let mut site = start.clone();
        site.sends_max = steps;
        let early = site.apply(&file);
        assert_eq!(early.is_err(), steps < at_once);
        if steps < at_once {
            site.sends_max = at_once;
            site.apply(&file)?;
            site.sends_max = steps.max(at_once);
        }
        site.advance(DELAY);
        site.apply(&file).expect_err("a broken line");
        site.sends_max = usize::MAX;
        site.apply(&file)?;
        assert_eq!((site.sent, site.everything()), (whole.sent, whole.everything()), "after {steps}");
    }
    Ok(())
}
