//! Jupiter's interface, spoken by a server on this machine: what comes of its answers, and a liquidation that sells over it.
//! On the real program; the route is the test pool's, at the address of Jupiter's program.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use plimsoll_client::accounts::Reserve;
use plimsoll_keeper::decide;
use plimsoll_keeper::venue::curve::Wanted;
use plimsoll_keeper::venue::jupiter::{self, Jupiter, Settings};
use plimsoll_keeper::venue::{Aggregator, NoRoute, Sale};
use serde_json::{json, Value};

use super::*;

const QUICK: Duration = Duration::from_millis(400);

/// What the server was asked: method and address, a key, a body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    what: String,
    key: Option<String>,
    body: Value,
}

/// What it answers: status, and text.
type Answer = (u16, String);

struct Exchange {
    server: Arc<tiny_http::Server>,
    asked: Arc<Mutex<Vec<Asked>>>,
    url: String,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

impl Exchange {
    fn new(answer: impl Fn(&Asked) -> Answer + Send + 'static) -> Self {
        let server = Arc::new(tiny_http::Server::http("127.0.0.1:0").expect("a free port"));
        let url = format!("http://{}/swap/v1", server.server_addr().to_ip().expect("an address"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (listening, heard) = (server.clone(), asked.clone());
        thread::spawn(move || {
            for mut request in listening.incoming_requests() {
                let mut body = String::new();
                request.as_reader().read_to_string(&mut body).expect("a body");
                let key = request.headers().iter().find(|header| header.field.equiv("x-api-key"));
                let asked = Asked {
                    what: format!("{} {}", request.method(), request.url()),
                    key: key.map(|header| header.value.to_string()),
                    body: serde_json::from_str(&body).unwrap_or(Value::Null),
                };
                heard.lock().expect("no panic").push(asked.clone());
                let (status, text) = answer(&asked);
                // Who did not wait is gone.
                let _ = request.respond(tiny_http::Response::from_string(text).with_status_code(status));
            }
        });
        Self { server, asked, url }
    }

    fn always(status: u16, text: &str) -> Self {
        let text = text.to_owned();
        Self::new(move |_| (status, text.clone()))
    }

    fn settings(&self) -> Settings {
        Settings {
            url: self.url.clone(),
            api_key: Some("a-key".to_owned()),
            slippage_bps: 50,
            max_accounts: 20,
            timeout: QUICK,
            samples_per_minute: 6_000,
            sample_life: Duration::from_secs(60),
        }
    }

    fn client(&self) -> Jupiter {
        Jupiter::new(self.settings()).expect("a client")
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// A quote as documented: what was asked for, back, with what it brings.
fn quote(asked: &Asked, out: u64) -> Value {
    let part = |key: &str| {
        let query = asked.what.split('?').nth(1).expect("a query");
        let found = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{key} in {query}")).to_owned()
    };
    let (from, to, amount) = (part("inputMint"), part("outputMint"), part("amount"));
    let slippage: u64 = part("slippageBps").parse().expect("bps");
    json!({
        "inputMint": from, "inAmount": amount, "outputMint": to, "outAmount": out.to_string(),
        "otherAmountThreshold": (out * (10_000 - slippage) / 10_000).to_string(), "swapMode": part("swapMode"),
        "slippageBps": slippage, "platformFee": null, "priceImpactPct": "0.0001", "contextSlot": 1, "timeTaken": 0.01,
        "routePlan": [{ "percent": 100, "swapInfo": {
            "ammKey": from, "label": "Pool", "inputMint": from, "outputMint": to,
            "inAmount": amount, "outAmount": out.to_string(), "feeAmount": "0", "feeMint": from,
        } }],
    })
}

fn as_json(instruction: &Instruction) -> Value {
    let meta = |meta: &AccountMeta| json!({ "pubkey": meta.pubkey.to_string(), "isSigner": meta.is_signer, "isWritable": meta.is_writable });
    json!({
        "programId": instruction.program_id.to_string(),
        "accounts": instruction.accounts.iter().map(meta).collect::<Vec<_>>(),
        "data": STANDARD.encode(&instruction.data),
    })
}

/// Instructions as documented.
fn instructions(swap: &Instruction) -> Value {
    json!({
        "computeBudgetInstructions": [{ "programId": "ComputeBudget111111111111111111111111111111", "accounts": [], "data": "AsBcFQA=" }],
        "setupInstructions": [], "swapInstruction": as_json(swap), "cleanupInstruction": null, "otherInstructions": [],
        "addressLookupTableAddresses": [Pubkey::new_from_array([9; 32]).to_string()],
    })
}

/// A market with the pool's program in the place of Jupiter's, and a server that trades in that pool.
struct Trading {
    stage: Stage,
    pools: Pools,
    reserves: (Reserve, Reserve),
}

fn trading() -> Trading {
    let mut stage = stage();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/deploy/pool.so");
    let program = std::fs::read(program).expect("the pool's program: cargo xtask build");
    stage.world.svm.add_program(jupiter::PROGRAM, &program).expect("the pool program loads");
    let reserves = (stage.world.reserve(&stage.sol), stage.world.reserve(&stage.usdc));
    let mut pools = Pools::new(jupiter::PROGRAM);
    let vaults = pools.vaults(&reserves.0, &reserves.1);
    let authority = Pubkey::find_program_address(
        &{
            let (one, other) = (stage.sol.mint, stage.usdc.mint);
            let (first, second) = if one < other { (one, other) } else { (other, one) };
            [b"pool".to_vec(), first.to_bytes().to_vec(), second.to_bytes().to_vec()]
        }
        .each_ref()
        .map(Vec::as_slice),
        &jupiter::PROGRAM,
    )
    .0;
    for (token, vault, atoms) in [
        (stage.sol.clone(), vaults.0, stage.sol.atoms("10000")),
        (stage.usdc.clone(), vaults.1, stage.usdc.atoms("1250000")),
    ] {
        assert_eq!(stage.world.open_wallet(&authority, &token), vault);
        stage.world.mint(&vault, &token, atoms);
        pools.see(vault, atoms);
    }
    Trading { stage, pools, reserves }
}

impl Trading {
    /// A server of this pool; `change` may change its instructions.
    fn exchange(&self, change: impl Fn(&mut Value) + Send + 'static) -> Exchange {
        let (pools, (sol, usdc), trader) = (self.pools.clone(), self.reserves.clone(), self.stage.keeper.address());
        Exchange::new(move |asked| {
            if asked.what.starts_with("GET /swap/v1/quote?") {
                let amount = asked.what.split("amount=").nth(1).and_then(|rest| rest.split('&').next());
                let out =
                    pools.quote(&sol, &usdc, amount.expect("an amount").parse().expect("atoms")).expect("a quote");
                return (200, quote(asked, out).to_string());
            }
            assert_eq!(asked.what, "POST /swap/v1/swap-instructions");
            let quoted = &asked.body["quoteResponse"];
            let number = |key: &str| quoted[key].as_str().and_then(|text| text.parse::<u64>().ok()).expect("a number");
            let slippage = quoted["slippageBps"].as_u64().expect("bps");
            // As Jupiter's program: the least follows from the quote and the slippage.
            let amount_out_min = number("outAmount") * (10_000 - slippage) / 10_000;
            let sale = Sale { amount_in: number("inAmount"), amount_out_min };
            let route = pools.swap(&trader, &sol, &usdc, sale).expect("a swap");
            let mut answer = instructions(&route.instructions[0]);
            change(&mut answer);
            (200, answer.to_string())
        })
    }

    fn sell(&self, exchange: &Exchange, amount_out_min: u64) -> Result<plimsoll_keeper::venue::Route, NoRoute> {
        let (sol, usdc) = &self.reserves;
        let sale = Sale { amount_in: 1_000_000_000, amount_out_min };
        exchange.client().swap(&self.stage.keeper.address(), sol, usdc, sale)
    }
}

#[test]
fn it_asks_as_documented_and_takes_no_less_than_it_needs_with_the_pool() {
    let trading = trading();
    let exchange = trading.exchange(|_| {});
    let quoted = trading.pools.quote(&trading.reserves.0, &trading.reserves.1, 1_000_000_000).expect("a quote");
    let least = quoted - quoted / 1_000;
    let route = trading.sell(&exchange, least).expect("a route");
    assert_eq!(route.tables, [Pubkey::new_from_array([9; 32])]);
    assert_eq!(route.instructions.len(), 1);

    let asked = exchange.asked();
    let (sol, usdc) = (trading.stage.sol.mint, trading.stage.usdc.mint);
    assert_eq!(
        asked[0].what,
        format!(
            "GET /swap/v1/quote?inputMint={sol}&outputMint={usdc}&amount=1000000000&slippageBps=50&swapMode=ExactIn\
             &restrictIntermediateTokens=true&maxAccounts=20"
        )
    );
    assert_eq!((asked.len(), asked[0].key.as_deref(), asked[1].key.as_deref()), (2, Some("a-key"), Some("a-key")));
    let body = &asked[1].body;
    assert_eq!(body["userPublicKey"], trading.stage.keeper.address().to_string());
    assert_eq!(body["wrapAndUnwrapSol"], false);
    // Less slippage than allowed, because no more is left above the least.
    assert_eq!(body["quoteResponse"]["slippageBps"], 9);
    assert_eq!(body["quoteResponse"]["routePlan"][0]["swapInfo"]["label"], "Pool", "the quote is sent back whole");

    let refusal = trading.sell(&exchange, quoted + 1).expect_err("too little");
    assert_eq!(refusal, NoRoute::BelowMinimum { offered_atoms: quoted, least_atoms: quoted + 1 });
    assert_eq!(exchange.asked().len(), 3, "no instructions are asked for where the quote is too low");
}

#[test]
fn what_goes_wrong_has_a_name_with_the_pool() {
    let trading = trading();
    let refusal = |exchange: &Exchange| trading.sell(exchange, 1).expect_err("no route");
    let no_route = r#"{"error":"Could not find any route","errorCode":"COULD_NOT_FIND_ANY_ROUTE"}"#;
    assert_eq!(refusal(&Exchange::always(400, no_route)), NoRoute::NotTraded);
    assert_eq!(refusal(&Exchange::always(429, "")), NoRoute::Throttled);
    assert_eq!(
        refusal(&Exchange::always(401, "Unauthorized")),
        NoRoute::Refused { status: 401, text: "Unauthorized".into() }
    );
    assert_eq!(refusal(&Exchange::always(503, "")), NoRoute::Refused { status: 503, text: String::new() });
    assert_eq!(refusal(&Exchange::always(200, "<html>")), NoRoute::Malformed("<html>".into()));
    let other = Exchange::new(|asked| {
        let mut other = quote(asked, 1_000);
        other["inAmount"] = json!("1");
        (200, other.to_string())
    });
    assert_eq!(refusal(&other), NoRoute::Malformed("a quote of something else".into()));
    let empty = Exchange::new(|asked| {
        let mut empty = quote(asked, 1_000);
        empty["outAmount"] = json!(1_000.5);
        (200, empty.to_string())
    });
    assert_eq!(refusal(&empty), NoRoute::Malformed("no `outAmount` in a quote".into()));

    let started = Instant::now();
    let slow = Exchange::new(|_| {
        thread::sleep(QUICK * 4);
        (200, String::new())
    });
    assert_eq!(refusal(&slow), NoRoute::Slow);
    assert!(started.elapsed() < QUICK * 3, "it does not wait for the answer");

    let gone = Exchange::always(200, "");
    gone.server.unblock();
    let settings = Settings { url: "http://127.0.0.1:1/swap/v1".into(), ..gone.settings() };
    let (sol, usdc) = &trading.reserves;
    let sale = Sale { amount_in: 1, amount_out_min: 1 };
    let refusal = Jupiter::new(settings).expect("a client").swap(&trading.stage.keeper.address(), sol, usdc, sale);
    assert_eq!(refusal, Err(NoRoute::Unreachable("no connection".into())));
}

#[test]
fn it_signs_a_route_and_nothing_else_with_the_pool() {
    let trading = trading();
    let stranger = Pubkey::new_from_array([3; 32]).to_string();
    let refused = |change: fn(&mut Value), expected: &str| {
        let refusal = trading.sell(&trading.exchange(change), 1);
        assert_eq!(refusal, Err(NoRoute::Unsafe(expected.to_owned())));
    };
    refused(|it| it["cleanupInstruction"] = it["swapInstruction"].clone(), "instructions that nobody asked for");
    refused(|it| it["otherInstructions"] = json!([it["swapInstruction"]]), "instructions that nobody asked for");
    refused(
        |it| it["swapInstruction"]["programId"] = json!(Pubkey::new_from_array([3; 32]).to_string()),
        &format!("an exchange by {stranger}"),
    );
    refused(
        |it| {
            let meta =
                json!({ "pubkey": Pubkey::new_from_array([3; 32]).to_string(), "isSigner": true, "isWritable": true });
            it["swapInstruction"]["accounts"].as_array_mut().expect("accounts").push(meta);
        },
        &format!("a signature of {stranger}"),
    );
    refused(
        |it| it["swapInstruction"]["accounts"][3]["pubkey"] = json!(Pubkey::new_from_array([3; 32]).to_string()),
        "an exchange without one's own account of the token bought",
    );
    refused(
        |it| {
            it["setupInstructions"] =
                json!([{ "programId": "11111111111111111111111111111111", "accounts": [], "data": "" }])
        },
        "a call of 11111111111111111111111111111111 before the exchange",
    );
    // Of the program of associated accounts, too, only what opens one.
    refused(
        |it| {
            it["setupInstructions"] =
                json!([{ "programId": "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL", "accounts": [], "data": "Ag==" }])
        },
        "a call of ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL before the exchange",
    );
}

#[test]
fn with_nothing_it_borrows_and_sells_over_the_aggregator_with_the_pool() -> Told {
    let mut trading = trading();
    let borrower = trading.stage.borrower("100", "10500");
    trading.stage.fall("125");
    let exchange = trading.exchange(|_| {});
    let mut venue = Aggregator::new(exchange.client());
    let mints = (trading.stage.sol.mint, trading.stage.usdc.mint);
    // Before anything was sampled nothing can be sold.
    let verdict = trading.stage.decide(&borrower, &venue);
    let reasons: Vec<Reason> = verdict.skipped.iter().map(|skipped| skipped.reason).collect();
    assert!(reasons.contains(&Reason::NoExit), "{verdict:?}");

    let sizes = ["10", "60", "100"].map(|amount| Wanted { mints, amount_in: trading.stage.sol.atoms(amount) });
    venue.want(sizes.to_vec());
    venue.look();
    let action = trading.stage.the_action(&borrower, &venue);
    let What::Liquidate(trade) = action.what else { panic!("{action:?}") };
    let (Funding::Flash { .. }, Exit::Sell { amount_in, amount_out, amount_out_min }) = (trade.funding, trade.exit)
    else {
        panic!("{trade:?}")
    };
    let (sol, usdc) = &trading.reserves;
    let paid = trading.pools.quote(sol, usdc, amount_in).expect("a quote");
    assert!(amount_out <= paid && amount_out_min <= amount_out, "{amount_out} promised, {paid} paid");

    let before = trading.stage.has(&trading.stage.usdc);
    trading.stage.act(&borrower, &action, &venue)?;
    let gained = trading.stage.has(&trading.stage.usdc) - before;
    let loan_fee = match trade.funding {
        Funding::Flash { principal_atoms } => {
            trading.stage.world.market_account().state.policy.flash_fee_atoms(principal_atoms)
        }
        Funding::Own => 0,
    };
    assert_eq!(gained, paid - trade.plan.repay_atoms - trade.plan.fee_atoms - loan_fee, "to the atom");
    trading.stage.world.check_invariants();
    Ok(())
}

#[test]
fn a_route_that_pays_somebody_else_is_told_by_what_it_would_leave_with_the_pool() -> Told {
    let mut trading = trading();
    let stage = &mut trading.stage;
    let (wallet, atoms) = (stage.wallet(&stage.sol), stage.sol.atoms("1"));
    stage.world.mint(&wallet, &stage.sol, atoms);
    let (sol, usdc) = (stage.sol.clone(), stage.usdc.clone());
    let theirs = stage.world.open_wallet(&Pubkey::new_from_array([3; 32]), &sol);
    // Both own accounts are named, and the program is the right one; but what it does is a transfer.
    let meta = |pubkey: Pubkey, is_signer: bool| json!({ "pubkey": pubkey.to_string(), "isSigner": is_signer, "isWritable": !is_signer });
    let program = json!({ "pubkey": sol.kind.program().to_string(), "isSigner": false, "isWritable": false });
    let (keeper, own) = (stage.keeper.clone(), stage.wallet(&usdc));
    let accounts =
        json!([program, meta(wallet, false), meta(theirs, false), meta(keeper.address(), true), meta(own, false)]);
    let data = [&[pool::FORWARD, 3][..], &atoms.to_le_bytes()].concat();
    let exchange = trading.exchange(move |it| {
        it["swapInstruction"]["accounts"] = accounts.clone();
        it["swapInstruction"]["data"] = json!(STANDARD.encode(&data));
    });
    let (from, to) = trading.reserves.clone();
    let amount_out = trading.pools.quote(&from, &to, atoms).expect("a quote");
    let amount_out_min = amount_out / 2;
    let asked = decide::Exchange { from: from.address, to: to.address, amount_in: atoms, amount_out, amount_out_min };
    let venue = Aggregator::new(exchange.client());
    let built = build::exchange_instructions(&asked, &from, &to, &keeper.address(), &venue).expect("it looks right");

    let before = trading.stage.floors(&built);
    trading.stage.world.send(&built.instructions, &[&keeper])?;
    let text = build::shortfall(&built.floors, &before, &trading.stage.floors(&built)).expect("a theft");
    let expected =
        format!("{} would change by 0 atoms, expected {amount_out_min} at least", trading.stage.wallet(&usdc));
    assert_eq!(text, expected);
    Ok(())
}

#[test]
fn a_quote_is_asked_once_and_samples_grow_old_with_the_pool() {
    let trading = trading();
    let exchange = trading.exchange(|_| {});
    let client = exchange.client();
    let wanted = Wanted { mints: (trading.stage.sol.mint, trading.stage.usdc.mint), amount_in: 1_000_000_000 };
    for _ in 0..3 {
        client.sample(&wanted).expect("a sample");
    }
    assert_eq!(exchange.asked().len(), 1, "the same within a second");
    assert!(client.known().quote(wanted.mints, 1_000_000_000).is_some());

    let short = Settings { sample_life: Duration::from_millis(150), ..exchange.settings() };
    let client = Jupiter::new(short).expect("a client");
    client.sample(&wanted).expect("a sample");
    assert!(client.known().quote(wanted.mints, 1_000_000_000).is_some());
    thread::sleep(Duration::from_millis(200));
    assert_eq!(client.known().quote(wanted.mints, 1_000_000_000), None);
}

#[test]
fn a_server_that_is_asked_too_often_is_left_in_peace() {
    let exchange = Exchange::always(429, "");
    let mut venue = Aggregator::new(Jupiter::new(exchange.settings()).expect("a client"));
    let mints = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
    venue.want((1..20).map(|amount_in| Wanted { mints, amount_in }).collect());
    thread::sleep(Duration::from_millis(500));
    let asked = exchange.asked().len();
    // The keeper's first look and the sampler's may cross.
    assert!((1..=2).contains(&asked), "{asked}");
}
