//! What can be done: every instruction of the program by its name, and what the world does.

use plimsoll_client::instructions as ix;
use plimsoll_engine::governance::proposals::Role as MarketRole;
use plimsoll_engine::governance::{Parameter, ParameterValue};
use plimsoll_testkit::prelude::*;

use super::scene::Scene;
use super::steps::Step;

/// What a verb does; `None` where there is nothing to do it with.
pub type Act = fn(&mut Scene, &Step) -> Option<Outcome>;

/// Of the world, not of the program: prices and time.
pub const WORLD: &[&str] = &["price", "doubt", "silence", "time"];

/// Name, how often, and what it does. A name that is not of [`WORLD`] is an instruction's.
pub const VERBS: &[(&str, usize, Act)] = &[
    ("price", 60, price),
    ("doubt", 8, doubt),
    ("silence", 6, silence),
    ("time", 40, time),
    ("supply", 30, |s, step| {
        let (lender, token) = (Step::pick(&s.lenders, step.who), s.token(step.what));
        let atoms = step.atoms(s.worth(2_000, &token));
        Some(s.world.supply(&lender, &token, atoms))
    }),
    ("redeem", 25, |s, step| {
        let (lender, token) = lender_account(s, step)?;
        let shares = s.world.lender_account(&lender, &token).state.shares.get();
        let part = u128::from(step.amount % 9);
        Some(s.world.redeem(&lender, &token, if part == 8 { u128::from(step.amount) } else { shares * part / 7 }))
    }),
    ("open_lender", 3, |s, step| {
        let (lender, token) = (Step::pick(&s.lenders, step.who), s.token(step.what));
        Some(s.world.open_lender(&lender, &token))
    }),
    ("close_lender", 4, |s, step| {
        let (lender, token) = lender_account(s, step)?;
        Some(s.world.close_lender(&lender, &token))
    }),
    ("deposit_collateral", 40, |s, step| {
        let (borrower, token) = (s.borrower(step.who)?, s.token(step.what));
        let (payer, atoms) = (Step::pick(&s.borrowers, step.other), step.atoms(s.worth(1_500, &token)));
        Some(s.world.deposit_for(&payer, &borrower, &token, atoms))
    }),
    ("withdraw_collateral", 30, |s, step| {
        let borrower = s.borrower(step.who)?;
        let (token, _) = s.pair(&borrower, step);
        let held = held(s, &borrower, &token);
        Some(s.world.withdraw(&borrower, &token, step.atoms(held)))
    }),
    ("borrow", 60, |s, step| {
        let (borrower, token) = (s.borrower(step.who)?, s.token(step.what));
        let atoms = step.atoms(borrow_max(s, &borrower, &token).unwrap_or(s.worth(1_200, &token)));
        Some(s.world.borrow(&borrower, &token, atoms))
    }),
    ("repay", 25, |s, step| {
        let (borrower, payer) = (s.borrower(step.who)?, Step::pick(&s.borrowers, step.other));
        let (_, token) = s.pair(&borrower, step);
        let atoms = step.atoms(s.worth(1_000, &token));
        Some(s.world.repay_for(&payer, &borrower, &token, atoms))
    }),
    ("open_position", 4, |s, step| {
        let borrower = Step::pick(&s.borrowers, step.who);
        Some(s.world.open_position(&borrower.numbered(step.what % 40)))
    }),
    ("close_position", 6, |s, step| {
        let borrower = Step::pick(&s.borrowers, step.who).numbered(step.what % 40);
        s.world.exists(&s.world.position_address(&borrower)).then(|| s.world.close_position(&borrower))
    }),
    ("uncount_position", 8, |s, step| {
        let borrower = s.borrower(step.who)?;
        let (token, _) = s.pair(&borrower, step);
        Some(s.world.uncount(&s.stranger.clone(), &borrower, &token))
    }),
    ("set_protection_order", 8, |s, step| {
        let borrower = s.borrower(step.who)?;
        let (trigger, bonus) = [(10_300, 100), (10_400, 500), (0, 0), (20_000, 1)][usize::from(step.what % 4)];
        Some(s.world.set_order(&borrower, trigger, bonus))
    }),
    ("liquidate", 130, liquidate),
    ("flag_position", 25, |s, step| {
        let borrower = shakiest(s, step)?;
        let (seized, repaid) = s.pair(&borrower, step);
        Some(s.world.flag(&s.stranger.clone(), &borrower, &seized, &repaid))
    }),
    ("mark_default", 25, |s, step| {
        let borrower = shakiest(s, step)?;
        let (_, debt) = s.pair(&borrower, step);
        let stranger = s.stranger.clone();
        Some(if step.other % 2 == 0 {
            s.world.mark_default(&stranger, &borrower)
        } else {
            s.world.mark_default_for_tip(&stranger, &borrower, &debt)
        })
    }),
    ("settle_default", 25, |s, step| {
        let borrower = shakiest(s, step)?;
        Some(s.world.settle_default(&s.stranger.clone(), &borrower))
    }),
    ("backstop_liquidate", 40, |s, step| {
        let borrower = shakiest(s, step)?;
        let (seized, repaid) = s.pair(&borrower, step);
        has_pool(s, &repaid)?;
        Some(s.world.backstop_liquidate(&s.stranger.clone(), &borrower, &seized, &repaid, step.amount % 3))
    }),
    ("flash_borrow", 8, |s, step| {
        let (liquidator, token) = (Step::pick(&s.liquidators, step.who), s.token(step.what));
        let atoms = step.atoms(s.world.reserve(&token).state.cash_atoms);
        s.world.wallet(&liquidator, &token);
        Some(s.world.flash(&liquidator, &token, atoms, &[]))
    }),
    ("flash_repay", 12, flash_liquidation),
    ("refresh_reserves", 20, |s, step| {
        let (one, two) = (s.token(step.what), s.token(step.other));
        Some(s.world.refresh_reserves(&s.stranger.clone(), &[&one, &two]))
    }),
    ("accrue_interest", 8, |s, step| Some(s.world.accrue_interest(&s.stranger.clone(), &s.token(step.what)))),
    ("notice_stale_price", 8, |s, step| Some(s.world.notice_stale_price(&s.stranger.clone(), &s.token(step.what)))),
    ("fund_insurance", 8, |s, step| {
        let (payer, token) = (Step::pick(&s.lenders, step.who), s.token(step.what));
        let atoms = step.atoms(s.worth(50, &token));
        Some(s.world.fund_insurance(&payer, &token, atoms))
    }),
    ("repay_recovery", 15, |s, step| {
        let (payer, token) = (Step::pick(&s.lenders, step.who), lossy(s, step));
        let outstanding = s.world.reserve(&token).state.claims.outstanding_atoms();
        Some(s.world.repay_recovery(&payer, &token, step.atoms(outstanding)))
    }),
    ("claim_recovery", 15, |s, step| {
        let (lender, token) = lender_account(s, step)?;
        Some(s.world.claim_recovery(&lender, &token))
    }),
    ("collect_fees", 5, |s, step| Some(s.world.collect_fees(&s.stranger.clone(), &s.token(step.what)))),
    ("open_backstop_provider", 3, |s, step| {
        let (provider, pool) = (Step::pick(&s.providers, step.who), pool(s, step)?);
        Some(s.world.open_backstop_provider(&provider, &pool))
    }),
    ("close_backstop_provider", 3, |s, step| {
        let (provider, pool) = provided(s, step)?;
        Some(s.world.close_backstop_provider(&provider, &pool))
    }),
    ("deposit_backstop", 12, |s, step| {
        let (provider, pool) = (Step::pick(&s.providers, step.who), pool(s, step)?);
        let atoms = step.atoms(s.worth(500, &pool));
        Some(s.world.deposit_backstop(&provider, &pool, atoms))
    }),
    ("join_backstop", 15, |s, step| {
        let (provider, pool) = provided(s, step)?;
        Some(s.world.join_backstop(&s.stranger.clone(), &provider, &pool))
    }),
    ("cancel_backstop_deposit", 5, |s, step| {
        let (provider, pool) = provided(s, step)?;
        Some(s.world.cancel_backstop_deposit(&provider, &pool))
    }),
    ("request_backstop_withdrawal", 8, |s, step| {
        let (provider, pool) = provided(s, step)?;
        let deposit = s.world.backstop_provider(&provider, &pool).state.deposit_atoms;
        Some(s.world.request_backstop_withdrawal(&provider, &pool, step.atoms(deposit)))
    }),
    ("withdraw_backstop", 12, |s, step| {
        let (provider, pool) = provided(s, step)?;
        // Half the time at the moment the withdrawal matures: the window is short.
        let wait = s.world.backstop_provider(&provider, &pool).state.matures_at - s.world.unix();
        if step.amount.is_multiple_of(2) && wait > 0 {
            s.world.advance_with_prices(wait);
        }
        Some(s.world.withdraw_backstop(&provider, &pool))
    }),
    ("claim_backstop_gain", 8, |s, step| {
        let (provider, pool) = provided(s, step)?;
        let collateral = s.token(2 + step.other % 2);
        Some(s.world.claim_backstop_gain(&provider, &pool, &collateral))
    }),
    ("create_backstop", 3, |s, step| {
        Some(s.world.create_backstop(&s.token(step.what), plimsoll_testkit::backstop_policy()))
    }),
    ("set_backstop_collateral", 3, |s, step| {
        let (pool, collateral) = (pool(s, step)?, s.token(step.other));
        let atoms = step.atoms(s.worth(20_000, &collateral));
        Some(s.world.opt_in(&pool, &collateral, atoms))
    }),
    ("create_market", 2, |s, step| {
        let (own, is_new) = (s.world.market, step.amount % 2 == 0);
        let outcome =
            s.world.create_market_of(if is_new { s.markets + 1 } else { 1 }, plimsoll_testkit::policy(), false);
        s.markets += u16::from(outcome.is_ok());
        s.world.market = own;
        Some(outcome)
    }),
    ("create_reserve", 3, |s, step| {
        let is_valid = step.amount % 2 == 0;
        let (token, outcome) = s.world.try_add(Spec::volatile("NEW", "10").with(move |config| {
            config.sigma_bps *= u64::from(is_valid);
        }));
        if outcome.is_ok() && s.tokens.len() < 8 {
            s.tokens.push(token);
        }
        Some(outcome)
    }),
    ("launch_market", 1, |s, _| Some(s.world.launch_market(&s.world.admin()))),
    ("tighten_parameter", 10, |s, step| {
        let (of, value) = near(s, step);
        let tighten = of.tighten(s.world.admin().address(), ParameterValue::number(value));
        Some(by_admin(s, tighten))
    }),
    ("propose_parameter", 15, |s, step| {
        if step.who % 4 == 0 {
            let roles = [Parameter::Admin, Parameter::Guardian, Parameter::Council, Parameter::Treasury];
            let of = s.world.parameter(None, Step::pick(&roles, step.what));
            let key = ParameterValue(s.stranger.address().to_bytes());
            let propose = of.propose(s.world.admin().address(), key);
            return Some(by_admin(s, propose));
        }
        let (of, value) = near(s, step);
        let value = ParameterValue::number(value);
        let propose = of.propose(s.world.admin().address(), value);
        Some(by_admin(s, propose))
    }),
    ("execute_proposal", 12, |s, step| {
        let of = standing(s, step)?;
        Some(s.world.execute(&s.stranger.clone(), &of))
    }),
    ("cancel_proposal", 6, |s, step| {
        let of = standing(s, step)?;
        Some(if step.who % 2 == 0 {
            s.world.cancel(&s.world.admin(), &of)
        } else {
            s.world.cancel(&s.stranger.clone(), &of)
        })
    }),
    ("accept_role", 6, |s, step| {
        let (market, stranger) = (s.world.market_account().state, s.stranger.address().to_bytes());
        let pending = [
            (market.pending_admin, MarketRole::Admin),
            (market.pending_guardian, MarketRole::Guardian),
            (market.pending_council, MarketRole::Council),
        ];
        let promised = pending.iter().find(|(to, _)| *to == stranger);
        let (_, role) = *promised.unwrap_or(&pending[usize::from(step.what % 3)]);
        Some(s.world.accept_role(&s.stranger.clone(), role))
    }),
    ("confirm_depth", 6, |s, step| {
        let token = s.token(step.what);
        let depth = s.world.reserve(&token).state.risk_target.depth_atoms;
        let lower = depth - depth / (50 + step.amount % 1_000);
        let atoms = [depth, lower, depth + 1][usize::from(step.other % 3)];
        Some(s.world.confirm_depth(&s.world.admin(), &token, atoms))
    }),
    ("pause", 4, |s, step| {
        let action = Pausable::ALL[usize::from(step.what % 5)];
        Some(s.world.pause(action, step.amount % 900))
    }),
    ("unpause", 6, |s, step| Some(s.world.unpause(Pausable::ALL[usize::from(step.what % 5)]))),
    ("quote_position", 8, |s, step| {
        let position = &s.world.position(&s.borrower(step.who)?);
        let offers = &s.world.offers(position, None);
        let quote = ix::QuotePosition { position, offers }.instruction().expect("offers fit");
        Some(s.world.ask(quote))
    }),
    ("quote_liquidation", 8, |s, step| {
        let position = &s.world.position(&s.borrower(step.who)?);
        let offers = &s.world.offers(position, None);
        let (collateral_slot, debt_slot) = (step.what.to_le_bytes()[0] % 8, step.other.to_le_bytes()[0] % 4);
        let quote = ix::QuoteLiquidation { position, collateral_slot, debt_slot, repay_max_atoms: step.amount, offers };
        Some(s.world.ask(quote.instruction().expect("offers fit")))
    }),
    ("quote_lender", 4, |s, step| {
        let (lender, token) = (Step::pick(&s.lenders, step.who), s.token(step.what));
        Some(s.world.ask(ix::QuoteLender { owner: lender.address(), reserve: token.reserve }.instruction()))
    }),
    ("quote_lender_exposure", 4, |s, step| {
        let (lender, token) = lender_account(s, step)?;
        let borrower = s.borrower(step.other)?;
        let position = s.world.position_address(&borrower);
        let quote = ix::QuoteLenderExposure { owner: lender.address(), reserve: token.reserve, position };
        Some(s.world.ask(quote.instruction()))
    }),
    ("quote_backstop_provider", 4, |s, step| {
        let (provider, pool) = (Step::pick(&s.providers, step.who), pool(s, step)?);
        let reserve = &s.world.reserve(&pool);
        let quote = ix::BackstopProviding { owner: provider.address(), reserve, generation: 0 }.quote();
        Some(s.world.ask(quote))
    }),
];

/// Mostly the position that can pay its debt least, at the prices published last; else any.
fn shakiest(s: &Scene, step: &Step) -> Option<Borrower> {
    if step.who.is_multiple_of(3) {
        return s.borrower(step.who / 3);
    }
    let value = |atoms: u128, key: [u8; 32]| {
        let token = s.tokens.iter().find(|token| token.reserve.to_bytes() == key);
        token.map_or(0, |token| {
            atoms * u128::from(s.world.price(token).spot.unsigned_abs()) * 1_000 / 10u128.pow(token.decimals.into())
        })
    };
    let of_all = (0..4).filter_map(|index| s.borrower(index));
    let owing = of_all.filter(|borrower| s.world.position(borrower).state.has_debt());
    owing.min_by_key(|borrower| {
        let state = s.world.position(borrower).state;
        let held: u128 = state.collaterals().iter().map(|slot| value(slot.atoms.into(), slot.reserve)).sum();
        // Shares are 2^-32 of an atom at index one; interest hardly matters here.
        let owed: u128 = state.debts().iter().map(|slot| value(slot.shares.get() >> 32, slot.reserve)).sum();
        held * 1_000 / owed.max(1)
    })
}

fn by_admin(s: &mut Scene, instruction: Instruction) -> Outcome {
    let admin = s.world.admin();
    s.world.act(instruction, &admin)
}

fn lender_account(s: &Scene, step: &Step) -> Option<(Lender, Token)> {
    let (lender, token) = (Step::pick(&s.lenders, step.who), s.token(step.what));
    let address = plimsoll_client::address::lender(&token.reserve, &lender.address());
    s.world.exists(&address).then_some((lender, token))
}

/// A token with losses outstanding where there is one.
fn lossy(s: &Scene, step: &Step) -> Token {
    let is_lossy = |token: &&Token| s.world.reserve(token).state.claims.outstanding_atoms() > 0;
    let lossy: Vec<Token> = s.tokens.iter().filter(is_lossy).cloned().collect();
    if lossy.is_empty() {
        s.token(step.what)
    } else {
        Step::pick(&lossy, step.what)
    }
}

fn has_pool(s: &Scene, token: &Token) -> Option<Token> {
    s.world.exists(&plimsoll_client::address::backstop(&token.reserve, 0)).then(|| token.clone())
}

fn pool(s: &Scene, step: &Step) -> Option<Token> {
    has_pool(s, &s.token(step.what % 2))
}

fn provided(s: &Scene, step: &Step) -> Option<(Person, Token)> {
    let (provider, pool) = (Step::pick(&s.providers, step.who), pool(s, step)?);
    let reserve = &s.world.reserve(&pool);
    let address = ix::BackstopProviding { owner: provider.address(), reserve, generation: 0 }.provider();
    s.world.exists(&address).then_some((provider, pool))
}

fn held(s: &Scene, borrower: &Borrower, token: &Token) -> u64 {
    let state = s.world.position(borrower).state;
    let slot = state.collaterals().iter().find(|slot| slot.reserve == token.reserve.to_bytes());
    slot.map_or(0, |slot| slot.atoms)
}

/// What a position may borrow more of a debt that it has, where anything; nothing where prices cannot be read.
fn borrow_max(s: &mut Scene, borrower: &Borrower, token: &Token) -> Option<u64> {
    let position = s.world.position(borrower);
    let slot = position.state.debt_index(token.reserve.as_array())?;
    let quote = ix::QuotePosition { position: &position, offers: &s.world.offers(&position, None) };
    let receipt = s.world.ask(quote.instruction().expect("offers fit")).ok()?;
    let quote = plimsoll_client::quotes::position_quote(&receipt.return_data).ok()?;
    Some(quote.debts[slot].borrow_max_atoms).filter(|most| *most > 0)
}

/// A parameter, and a value not far from what it is.
fn near(s: &Scene, step: &Step) -> (ix::ParameterOf, u64) {
    let parameter = Step::pick(Parameter::ALL, step.other);
    let token = s.token(step.what);
    let of = s.world.parameter(parameter.is_of_reserve().then_some(&token), parameter);
    let mut market = s.world.market_account().state;
    let mut reserve = s.world.reserve(&token).state;
    let mut subject = if parameter.is_of_reserve() {
        plimsoll_engine::governance::Subject::Reserve(&mut reserve, &market)
    } else {
        plimsoll_engine::governance::Subject::Market(&mut market)
    };
    let old = subject.read(parameter).and_then(|value| value.as_number()).unwrap_or(0);
    let by = (old / (20 + step.amount % 200)).max(1);
    (of, if step.amount.is_multiple_of(2) { old.saturating_add(by) } else { old.saturating_sub(by) })
}

/// A parameter for which a proposal stands.
fn standing(s: &Scene, step: &Step) -> Option<ix::ParameterOf> {
    let all = s.world.books().proposals;
    let is_ripe = |proposal: &&plimsoll_client::accounts::Proposal| proposal.state.ripe_at <= s.world.unix();
    let proposal = all.iter().find(is_ripe).or(all.get(usize::from(step.what) % all.len().max(1)));
    let proposal = &proposal?.state;
    let reserve = Pubkey::new_from_array(proposal.target);
    let parameter = Parameter::of(proposal.parameter).expect("a parameter");
    Some(ix::ParameterOf { market: s.world.market, reserve: parameter.is_of_reserve().then_some(reserve), parameter })
}

/// Liquidates, and asserts that it was what the quote said where the call is not spoilt.
fn liquidate(s: &mut Scene, step: &Step) -> Option<Outcome> {
    let (borrower, liquidator) = (shakiest(s, step)?, Step::pick(&s.liquidators, step.other));
    let (seized, repaid) = s.pair(&borrower, step);
    let bound = if step.amount.is_multiple_of(3) { step.atoms(s.worth(500, &repaid)) } else { u64::MAX };
    let state = s.world.position(&borrower).state;
    let is_pair = state.collateral_index(seized.reserve.as_array()).is_some()
        && state.debt_index(repaid.reserve.as_array()).is_some();
    let quote = (is_pair && step.spoil == 0).then(|| {
        let purses = (s.world.purse(&liquidator, &repaid), s.world.purse(&liquidator, &seized));
        (s.world.try_quote_liquidation(&borrower, &seized, &repaid, bound), purses)
    });
    let outcome = s.world.liquidate(&liquidator, &borrower, &seized, &repaid, Limits::repay_max(bound));
    if let Some((Err(unreadable), _)) = &quote {
        // A price account that cannot be read is an error of the quote too, and the same.
        let code = outcome.as_ref().err().and_then(|refused| refused.code());
        assert!(code.is_some() && code == unreadable.code(), "I24: {code:?}, and the quote: {unreadable:?}");
    }
    if let Some((Ok(quote), (paid, received))) = quote {
        let code = outcome.as_ref().err().map_or(Some(0), |refused| refused.code());
        let is_poor = quote.refusal == 0 && code == Some(super::take::INSUFFICIENT_FUNDS);
        assert!(code == Some(quote.refusal) || is_poor, "I24: {code:?} is not what was quoted: {quote:?}");
        if outcome.is_ok() {
            let (paid, received) =
                (paid - s.world.purse(&liquidator, &repaid), s.world.purse(&liquidator, &seized) - received);
            assert_eq!((paid, received), (quote.repay_atoms + quote.fee_atoms, quote.seize_atoms), "I24: {quote:?}");
        }
    }
    Some(outcome)
}

/// Liquidates inside a flash loan.
fn flash_liquidation(s: &mut Scene, step: &Step) -> Option<Outcome> {
    let (borrower, liquidator) = (shakiest(s, step)?, Step::pick(&s.liquidators, step.other));
    let (seized, repaid) = s.pair(&borrower, step);
    let atoms = step.atoms(s.world.reserve(&repaid).state.cash_atoms);
    for token in [&seized, &repaid] {
        s.world.wallet(&liquidator, token);
    }
    let within = if step.amount.is_multiple_of(4) {
        Vec::new()
    } else {
        let state = s.world.position(&borrower).state;
        state.collateral_index(seized.reserve.as_array())?;
        state.debt_index(repaid.reserve.as_array())?;
        vec![s.world.liquidation(&liquidator, &borrower, &seized, &repaid, Limits::NONE)]
    };
    Some(s.world.flash(&liquidator, &repaid, atoms, &within))
}

/// A price moves: mostly a little, sometimes to nearly nothing.
fn price(s: &mut Scene, step: &Step) -> Option<Outcome> {
    let token = s.token(step.what);
    let last = s.world.price(&token).spot;
    let permille = match step.amount % 32 {
        0 => 100 + (step.amount >> 5) % 500,
        1..=2 => 1_200 + (step.amount >> 5) % 800,
        3..=12 => 800 + (step.amount >> 5) % 200,
        _ => 960 + (step.amount >> 5) % 85,
    };
    let moved = i128::from(last) * i128::from(permille) / 1_000;
    let spot = i64::try_from(moved).expect("a price").clamp(1, 100_000_000_000_000);
    s.world.advance(1);
    s.world.refresh_prices();
    let mut price = Price::calm("1", s.world.unix());
    (price.spot, price.average, price.confidence) = (spot, spot, (spot / 5_000).unsigned_abs());
    s.world.publish(&token, price);
    None
}

/// A price that is uncertain, off its average, or impossible.
fn doubt(s: &mut Scene, step: &Step) -> Option<Outcome> {
    let token = s.token(step.what);
    s.world.advance(1);
    let mut price = s.world.price(&token);
    price.publish_time = s.world.unix();
    match step.amount % 4 {
        0 => price.confidence = price.spot.unsigned_abs() / (1 + step.amount % 200),
        1 => price.average = (price.spot / 4 * i64::from(step.other % 8)).max(1),
        2 => price.publish_time += 6,
        _ => price.exponent = -i32::from(step.other % 20),
    }
    s.world.publish(&token, price);
    None
}

/// Time passes without a price.
fn silence(s: &mut Scene, step: &Step) -> Option<Outcome> {
    s.world.advance(i64::try_from(1 + step.amount % 30_000).expect("a time"));
    None
}

/// Time passes: seconds, hours, rarely weeks.
fn time(s: &mut Scene, step: &Step) -> Option<Outcome> {
    let most = [30, 30, 600, 600, 4_000, 20_000, 200_000, 1_000_000][usize::from(step.what % 8)];
    s.world.advance_with_prices(i64::try_from(1 + step.amount % most).expect("a time"));
    None
}
