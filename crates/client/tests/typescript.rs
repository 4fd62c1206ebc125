//! What this client and the one in `sdk/` must have in common is written from here: `PLIMSOLL_WRITE=1 cargo test --package
//! plimsoll-client --test typescript` writes, without it the tests compare. The tests of `sdk/` hold its own code to the files.

use std::fmt::{Debug, Write};
use std::path::Path;

use anchor_lang::event::EVENT_IX_TAG_LE;
use bytemuck::{Pod, Zeroable};
use plimsoll_client::accounts::{
    Account, AccountState, Backstop, BackstopProvider, Lender, Market, Position, Proposal, Reserve,
};
use plimsoll_client::errors::every_refusal;
use plimsoll_client::events::Event;
use plimsoll_client::instructions::*;
use plimsoll_client::quotes::{
    BackstopProviderQuote, LenderExposureQuote, LenderQuote, LiquidationQuote, PositionQuote,
};
use plimsoll_client::{address, Instruction, Pubkey};
use plimsoll_engine::governance::Parameter;
use plimsoll_engine::state::{
    BackstopState, CollateralSlot, DebtSlot, PositionState, ReserveState, LAYOUT_VERSION, TOKEN_2022,
};
use serde_json::{json, Value};

/// Compares a file of `sdk/` with what it ought to be; writes it where that is asked for.
fn hold(file: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk").join(file);
    if std::env::var_os("PLIMSOLL_WRITE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        std::fs::write(&path, wanted).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "sdk/{file} is not what this client says; write it as the head of this test's file tells");
}

fn hold_json(file: &str, wanted: &Value) {
    hold(file, &(serde_json::to_string_pretty(wanted).expect("JSON") + "\n"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

/// A sentence as a TypeScript literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[test]
fn the_typescript_client_says_the_same_sentences() {
    let mut text = String::from(
        "// Written by crates/client/tests/typescript.rs from the program's and the framework's errors; do not edit.\n\n\
         /** Every refusal: its code, its name, and what it says about the world. */\n\
         export const SENTENCES: readonly (readonly [code: number, name: string, sentence: string])[] = [\n",
    );
    for refusal in every_refusal() {
        let (code, name, sentence) = (refusal.code, literal(refusal.name), literal(&refusal.sentence));
        writeln!(text, "    [{code}, {name}, {sentence}],").expect("a string takes text");
    }
    hold("src/sentences.ts", &(text + "];\n"));
}

#[test]
fn the_typescript_client_derives_the_same_addresses() {
    let (market, reserve, owner, mint) = (key(1), key(2), key(3), key(4));
    let wanted = json!({
        "eventAuthority": address::EVENT_AUTHORITY.to_string(),
        "market7": address::market(7).to_string(),
        "reserve": address::reserve(&market, &mint).to_string(),
        "liquidityVault": address::liquidity_vault(&reserve).to_string(),
        "collateralVault": address::collateral_vault(&reserve).to_string(),
        "position500": address::position(&market, &owner, 500).to_string(),
        "lender": address::lender(&reserve, &owner).to_string(),
        "backstop3": address::backstop(&reserve, 3).to_string(),
        "provider": address::backstop_provider(&key(5), &owner).to_string(),
        "depthProposal": address::proposal(&reserve, Parameter::Depth).to_string(),
        "depthParameter": Parameter::Depth as u16,
        "tokenAccount": address::token_account(&owner, &mint, &anchor_spl::token_2022::ID).to_string(),
    });
    hold_json("tests/fixtures/addresses.json", &wanted);
}

/// Bytes that say where they lie.
fn pattern(count: usize) -> Vec<u8> {
    (0..count).map(|at| u8::try_from((at * 37 + at / 251 + 11) % 251).expect("below 251")).collect()
}

fn account<T: AccountState + Debug>(name: &str) -> Value {
    let mut bytes = pattern(size_of::<T>());
    bytes[0] = LAYOUT_VERSION;
    if name == "position" {
        // Used slots, as many as there are.
        (bytes[4], bytes[5]) = (8, 4);
    }
    let data = [T::DISCRIMINATOR, &bytes].concat();
    let decoded = Account::<T>::decode(key(9), &data).expect("an account");
    json!({ "kind": name, "data": hex(&data), "state": format!("{:?}", decoded.state) })
}

#[test]
fn the_typescript_client_reads_the_same_fields_from_accounts() {
    let wanted = json!([
        account::<plimsoll_engine::state::MarketState>("market"),
        account::<ReserveState>("reserve"),
        account::<PositionState>("position"),
        account::<plimsoll_engine::state::LenderState>("lender"),
        account::<BackstopState>("backstop"),
        account::<plimsoll_engine::state::BackstopProviderState>("provider"),
        account::<plimsoll_engine::state::ProposalState>("proposal"),
    ]);
    let _: [usize; 7] = [
        Market::SIZE,
        Reserve::SIZE,
        Position::SIZE,
        Lender::SIZE,
        Backstop::SIZE,
        BackstopProvider::SIZE,
        Proposal::SIZE,
    ];
    hold_json("tests/fixtures/accounts.json", &wanted);
}

fn quote<T: Pod + Debug>(name: &str) -> Value {
    let bytes = pattern(size_of::<T>());
    let quote: T = bytemuck::pod_read_unaligned(&bytes);
    json!({ "kind": name, "data": hex(&bytes), "state": format!("{quote:?}") })
}

#[test]
fn the_typescript_client_reads_the_same_fields_from_quotes() {
    let wanted = json!([
        quote::<PositionQuote>("position"),
        quote::<LiquidationQuote>("liquidation"),
        quote::<LenderQuote>("lender"),
        quote::<LenderExposureQuote>("lenderExposure"),
        quote::<BackstopProviderQuote>("provider"),
    ]);
    hold_json("tests/fixtures/quotes.json", &wanted);
}

/// The discriminators of all events, from the IDL.
fn events() -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../idl/plimsoll.json");
    let idl: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("the IDL")).expect("JSON");
    let event = |event: &Value| {
        let bytes = event["discriminator"].as_array().expect("bytes").iter();
        let bytes = bytes.map(|byte| u8::try_from(byte.as_u64().expect("a byte")).expect("a byte")).collect();
        (event["name"].as_str().expect("a name").to_owned(), bytes)
    };
    idl["events"].as_array().expect("events").iter().map(event).collect()
}

#[test]
fn the_typescript_client_reads_the_same_fields_from_events() {
    let mut wanted = Vec::new();
    for (name, discriminator) in events() {
        // Bytes of zero and one, which are truths too, in no order that repeats; with lists, few ones, so that some stand where
        // a length begins. As many as the event has.
        let fits = |apart: usize, count: usize| {
            let bit =
                |at: usize| if apart == 0 { (at * at + at / 3) % 2 } else { usize::from(at.is_multiple_of(apart)) };
            let bytes: Vec<u8> = (0..count).map(|at| u8::try_from(bit(at)).expect("a bit")).collect();
            let data = [EVENT_IX_TAG_LE, &discriminator, &bytes].concat();
            Event::decode(&data).ok().map(|event| (data, event))
        };
        let mut tries = (0..64).flat_map(|apart| (0..1_000).map(move |count| (apart, count)));
        let found = tries.find_map(|(apart, count)| fits(apart, count));
        let (data, event) = found.unwrap_or_else(|| panic!("{name} decodes from some bytes"));
        assert_eq!(event.name(), name);
        wanted.push(json!({ "name": name, "data": hex(&data), "state": format!("{event:?}") }));
    }
    hold_json("tests/fixtures/events.json", &Value::Array(wanted));
}

fn reserve(byte: u8, token_kind: u8) -> Reserve {
    let state = ReserveState {
        version: LAYOUT_VERSION,
        token_kind,
        market: [1; 32],
        mint: [byte + 1; 32],
        liquidity_vault: [byte + 2; 32],
        collateral_vault: [byte + 3; 32],
        ..Zeroable::zeroed()
    };
    Account { address: key(byte), state }
}

/// Two collaterals, the second not fully counted, and two debts.
fn position() -> Position {
    let mut state = PositionState { version: LAYOUT_VERSION, market: [1; 32], owner: [2; 32], ..Zeroable::zeroed() };
    (state.collateral_count, state.debt_count) = (2, 2);
    for (slot, (byte, counted_atoms)) in state.collaterals.iter_mut().zip([(10, 7), (20, 6)]) {
        *slot = CollateralSlot { reserve: [byte; 32], atoms: 7, counted_atoms, ..Zeroable::zeroed() };
    }
    for (slot, byte) in state.debts.iter_mut().zip([30, 40]) {
        *slot = DebtSlot { reserve: [byte; 32], ..Zeroable::zeroed() };
    }
    Account { address: key(3), state }
}

fn shown(name: &str, instruction: &Instruction) -> Value {
    let accounts = instruction.accounts.iter().map(|meta| {
        let marks = [(meta.is_signer, "s"), (meta.is_writable, "w")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        json!(format!("{} {marks}", meta.pubkey).trim())
    });
    let accounts: Vec<Value> = accounts.collect();
    json!({ "name": name, "program": instruction.program_id.to_string(), "accounts": accounts, "data": hex(&instruction.data) })
}

#[test]
fn the_typescript_client_builds_the_same_instructions() {
    let (position, actor) = (position(), key(2));
    let (sol, btc) = (reserve(10, 0), reserve(20, TOKEN_2022));
    let (usdc, usdt, fresh) = (reserve(30, TOKEN_2022), reserve(40, 0), reserve(50, 0));
    // Out of slot order, and not for every leg.
    let offers = [Offer { reserve: usdc.address, price: key(61) }, Offer { reserve: btc.address, price: key(62) }];
    let fresh_offer = [Offer { reserve: fresh.address, price: key(63) }];
    let providing = BackstopProviding { owner: actor, reserve: &usdc, generation: 4 };
    let mut wanted = vec![];
    let mut add = |name: &str, instruction: Instruction| wanted.push(shown(name, &instruction));

    add("openPosition", OpenPosition { owner: actor, market: key(1), id: 9 }.instruction());
    add("closePosition", ClosePosition { owner: actor, position: position.address }.instruction());
    let deposit = DepositCollateral {
        depositor: actor,
        position: position.address,
        reserve: &btc,
        depositor_collateral: None,
        amount_atoms: 5,
    };
    add("deposit", deposit.instruction());
    add("rescue", deposit.rescue(&position, &offers).expect("fits"));
    let rescue_new = DepositCollateral { reserve: &fresh, depositor_collateral: Some(key(70)), ..deposit };
    add("rescueNew", rescue_new.rescue(&position, &fresh_offer).expect("fits"));
    let withdraw = WithdrawCollateral {
        position: &position,
        reserve: &sol,
        owner_collateral: None,
        amount_atoms: 6,
        offers: &offers,
    };
    add("withdraw", withdraw.instruction().expect("fits"));
    let borrow =
        Borrow { position: &position, reserve: &usdt, owner_liquidity: None, amount_atoms: 7, offers: &offers };
    add("borrow", borrow.instruction().expect("fits"));
    let borrow_new = Borrow { reserve: &fresh, offers: &fresh_offer, owner_liquidity: Some(key(70)), ..borrow };
    add("borrowNew", borrow_new.instruction().expect("fits"));
    let repay = Repay {
        payer: actor,
        position: position.address,
        reserve: &usdc,
        payer_liquidity: None,
        amount_atoms_max: u64::MAX,
    };
    add("repay", repay.instruction());
    let order = SetProtectionOrder { position: &position, trigger_bps: 10_300, bonus_bps: 100 };
    add("setProtectionOrder", order.instruction());
    add("uncountPosition", UncountPosition { position: position.address, reserve: sol.address }.instruction());
    add("quotePosition", QuotePosition { position: &position, offers: &offers }.instruction().expect("fits"));

    let liquidate = Liquidate {
        liquidator: actor,
        position: &position,
        seized: &btc,
        repaid: &usdc,
        liquidator_liquidity: None,
        liquidator_collateral: None,
        repay_max_atoms: 8,
        seize_min_atoms: 9,
        offers: &offers,
    };
    add("liquidate", liquidate.instruction().expect("fits"));
    let flag = FlagPosition { position: &position, collateral: sol.address, debt: usdt.address, offers: &offers };
    add("flagPosition", flag.instruction().expect("fits"));
    let mark = MarkDefault { position: &position, tip: None, offers: &offers };
    add("markDefault", mark.instruction().expect("fits"));
    add("markDefaultTipped", MarkDefault { tip: Some((&usdc, key(70))), ..mark }.instruction().expect("fits"));
    add("settleDefault", SettleDefault { position: &position, offers: &offers }.instruction().expect("fits"));
    let ask = QuoteLiquidation {
        position: &position,
        collateral_slot: 1,
        debt_slot: 0,
        repay_max_atoms: 10,
        offers: &offers,
    };
    add("quoteLiquidation", ask.instruction().expect("fits"));

    add("openLender", OpenLender { owner: actor, reserve: usdc.address }.instruction());
    add("closeLender", CloseLender { owner: actor, reserve: usdc.address }.instruction());
    let supply = Supply { owner: actor, reserve: &usdc, owner_liquidity: None, amount_atoms: 11, shares_min: 1 << 70 };
    add("supply", supply.instruction());
    let redeem = Redeem { owner: actor, reserve: &usdc, owner_liquidity: None, shares: 1 << 90, assets_min_atoms: 12 };
    add("redeem", redeem.instruction());
    add("claimRecovery", ClaimRecovery { owner: actor, reserve: &usdc, owner_liquidity: None }.instruction());
    let pay_back = RepayRecovery { payer: actor, reserve: &usdc, payer_liquidity: None, amount_atoms_max: 13 };
    add("repayRecovery", pay_back.instruction());
    let insure = FundInsurance { payer: actor, reserve: &usdc, payer_liquidity: None, amount_atoms: 14 };
    add("fundInsurance", insure.instruction());
    let flash = FlashBorrow { borrower: actor, reserve: &usdc, borrower_liquidity: None, amount_atoms: 15 };
    add("flashBorrow", flash.instruction());
    add("flashRepay", FlashRepay { payer: actor, reserve: &usdc, payer_liquidity: None }.instruction());
    add("quoteLender", QuoteLender { owner: actor, reserve: usdc.address }.instruction());
    let exposure = QuoteLenderExposure { owner: actor, reserve: usdc.address, position: position.address };
    add("quoteLenderExposure", exposure.instruction());

    let absorb = BackstopLiquidate {
        position: &position,
        seized: &btc,
        repaid: usdc.address,
        generation: 4,
        tip_account: key(70),
        tip_min_atoms: 16,
        offers: &offers,
    };
    add("backstopLiquidate", absorb.instruction().expect("fits"));
    add("openBackstopProvider", providing.open());
    add("closeBackstopProvider", providing.close());
    add("depositBackstop", providing.deposit(None, 17));
    add("cancelBackstopDeposit", providing.cancel(None));
    add("withdrawBackstop", providing.withdraw(Some(key(70))));
    add("requestBackstopWithdrawal", providing.request(18));
    add("joinBackstop", providing.join());
    add("claimBackstopGain", providing.claim(&btc, None));
    add("quoteBackstopProvider", providing.quote());

    add("refreshReserves", RefreshReserves { offers: &offers }.instruction());
    add("accrueInterest", AccrueInterest { reserve: usdc.address }.instruction());
    add("noticeStalePrice", NoticeStalePrice { reserve: usdc.address }.instruction());
    add("unitLimit", plimsoll_client::compute_budget::unit_limit(300_000));
    add("unitPrice", plimsoll_client::compute_budget::unit_price(5_000));
    hold_json("tests/fixtures/instructions.json", &Value::Array(wanted));
}
