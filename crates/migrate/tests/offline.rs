//! Files without a chain: what is accepted, and every kind of refusal with its line and its words.

use plimsoll_client::errors::PlimsollError;
use plimsoll_migrate::file::File;
use plimsoll_migrate::invariants::check;

const LOCALNET: &str = include_str!("../../../migrations/localnet.toml");

/// What a check says of a text, in lines.
fn judged(text: &str) -> Vec<String> {
    match File::read("m.toml", text).and_then(|file| check(&file)) {
        Ok(checked) => checked.skipped,
        Err(refused) => refused.to_string().lines().map(str::to_owned).collect(),
    }
}

/// The example with the `nth` line that begins with `key` replaced.
#[track_caller]
fn with(nth: usize, key: &str, new: &str) -> String {
    let lines: Vec<&str> = LOCALNET.lines().collect();
    let found = lines.iter().enumerate().filter(|(_, line)| line.starts_with(key)).nth(nth).expect("the line").0;
    lines.iter().enumerate().map(|(at, line)| if at == found { new } else { line }).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_accepted_and_nothing_of_it_is_skipped() {
    assert_eq!(judged(LOCALNET), Vec::<String>::new());
}

#[test]
fn what_cannot_be_known_without_a_chain_is_said() {
    let compared = "USDC: no `decimals` in the file; amounts were compared with each other only";
    let values =
        "USDC: needs `decimals` and `price_usd`; whether dust is worth enough atoms, and the throttle enough dust, \
                  was not checked";
    assert_eq!(judged(&with(1, "decimals", "")), [compared, values]);
    assert_eq!(judged(&with(1, "price_usd", "")), [values]);
    // What compares amounts is checked all the same.
    let deep = with(1, "decimals", "").replace("collateral_tokens = \"100000\"", "collateral_tokens = \"100000000\"");
    assert!(judged(&deep)[0].contains("CapTooLargeForDepth"));
}

#[test]
fn what_is_not_a_configuration_is_refused_with_its_place() {
    let cases: &[(usize, &str, &str, &[&str])] = &[
        (0, "id =", "id = ", &["9:6: this is not TOML: string values must be quoted, expected literal string"]),
        (0, "id =", "id = 65536", &["9:6: `id` in [market] should be a number from 0 to 65535; found 65536"]),
        (0, "launch", "launch = 1", &["10:10: `launch` in [market] should be true or false; found 1"]),
        (0, "launch", "", &["8:1: [market] lacks `launch`, true or false; add it"]),
        (0, "horizon_secs", "", &["61:1: [reserve.risk] of SOL lacks `horizon_secs`, a whole number; add it"]),
        (
            0,
            "maintenance_bps",
            "maintenance_bps = \"80%\"",
            &["62:19: `maintenance_bps` in [reserve.risk] of SOL should be a whole number from 0 to 18446744073709551615; \
               found \"80%\". One percent is 100 bps"],
        ),
        (
            0,
            "z_x100",
            "z_x100 = -1",
            &["64:10: `z_x100` in [reserve.risk] of SOL should be a whole number from 0 to 18446744073709551615; found -1"],
        ),
        (
            0,
            "depth_tokens",
            "depth_atoms = 10",
            &[
                "61:1: [reserve.risk] of SOL lacks `depth_tokens`, an amount such as \"1000\" or \"0.5\"; add it",
                "68:1: [reserve.risk] of SOL has no key `depth_atoms`; did you mean `depth_tokens`?",
            ],
        ),
        (
            0,
            "rescue_allowance_bps",
            "rescue_alowance_bps = 1000",
            &[
                "87:1: [reserve.caps] of SOL lacks `rescue_allowance_bps`, a whole number; add it",
                "91:1: [reserve.caps] of SOL has no key `rescue_alowance_bps`; did you mean `rescue_allowance_bps`?",
            ],
        ),
        (
            0,
            "fee_share_bps",
            "fee_share_bps = 500\ncolour = 1",
            &["47:1: [defaults.rates] has no key `colour`; known are `base_rate_bps`, `kink_utilisation_bps`, \
               `kink_rate_bps`, `max_rate_bps`, `insurance_share_bps`, `fee_share_bps`"],
        ),
        (0, "[defaults.rates]", "[defaults.curve]", &[
            "40:11: [defaults] has no table `curve`",
            "48:1: [[reserve]] SOL lacks the table `rates`; add it",
            "95:1: [[reserve]] USDC lacks the table `rates`; add it",
        ]),
        (
            0,
            "borrow_tokens",
            "borrow_tokens = \"0.0000000001\"",
            &["89:17: `caps.borrow_tokens` of SOL has more digits than the 9 decimals of its mint, or more atoms than a u64 \
               holds"],
        ),
        (
            0,
            "dust_usd",
            "dust_usd = 0.5",
            &["15:12: `dust_usd` in [market.policy] should be an amount such as \"1000\", \"0.5\" or \"unlimited\"; found \
               0.5. Put it in quotes: a float is not exact"],
        ),
        (
            0,
            "dust_usd",
            "dust_usd = \"0.0000000001\"",
            &["15:12: `dust_usd` in [market.policy] has more than 9 decimals, or is too large"],
        ),
        (
            0,
            "feed",
            "feed = \"0x12\"",
            &["58:8: `feed` in [reserve.oracle] of SOL should be 64 hexadecimal digits; found \"0x12\""],
        ),
        (0, "kind", "kind = \"pul\"", &[
            "57:8: `kind` in [reserve.oracle] of SOL should be \"pull\" or \"push\"; found \"pul\"",
        ]),
        (0, "kind", "kind = \"push\"", &[
            "58:1: [reserve.oracle] of SOL has no key `feed`; known are `kind`, `price_account`",
        ]),
        (0, "mint", "mint = \"0\"", &[
            "50:8: `mint` in [[reserve]] SOL should be an address in base 58; found \"0\"",
        ]),
        (
            1,
            "mint",
            "mint = \"So11111111111111111111111111111111111111112\"",
            &["97:8: USDC has the mint of SOL; a mint has one reserve in a market"],
        ),
        (1, "name", "name = \"SOL\"", &["95:1: two reserves are called SOL; give them different names"]),
        (0, "decimals", "decimals = 19", &["51:12: `decimals` of SOL should be 0 to 18; found 19"]),
        (0, "price_usd", "price_usd = \"0\"", &[
            "52:13: `price_usd` of SOL should be from 0.000000000001 to 1000000000",
        ]),
    ];
    for (nth, key, line, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|line| format!("m.toml:{line}")).collect();
        assert_eq!(judged(&with(*nth, key, line)), expected, "{line}");
    }
}

/// Key, the line in its place, where and of what the refusal speaks, its name, and the lines to blame.
type Broken = (&'static str, &'static str, &'static str, PlimsollError, &'static [&'static str]);

#[test]
fn every_invariant_that_breaks_names_its_lines_and_what_would_pass() {
    use PlimsollError::*;
    // Each with the line and name it begins with, and what passes on each line that is to blame.
    let cases: &[Broken] = &[
        (
            "call_level_bps",
            "call_level_bps = 10600",
            "13:21: the market",
            InvalidMarketPolicy,
            &[
                "line 13: policy.target_health_bps is 10500; 10600 or more would pass",
                "line 14: policy.call_level_bps is 10600; 10500 or less would pass",
            ],
        ),
        (
            "loosen_delay_secs",
            "loosen_delay_secs = 0",
            "21:21: the market",
            InvalidMarketPolicy,
            &["line 21: policy.loosen_delay_secs is 0; 86400 or more would pass"],
        ),
        (
            "mark_tip_usd",
            "mark_tip_usd = \"10.5\"",
            "15:12: the market",
            InvalidMarketPolicy,
            &[
                "line 15: policy.dust_usd is 10; 10.5 or more would pass",
                "line 27: policy.mark_tip_usd is 10.5; 10 or less would pass",
            ],
        ),
        (
            "initial_bps",
            "initial_bps = 8000",
            "62:19: SOL",
            InvalidWeights,
            &[
                "line 62: risk.maintenance_bps is 8000; 8001 or more would pass",
                "line 76: initial.initial_bps is 8000; 7999 or less would pass",
            ],
        ),
        (
            "spread_bps",
            "spread_bps = 10000",
            "66:14: SOL",
            InvalidHaircut,
            &["line 66: risk.spread_bps is 10000; 9999 or less would pass"],
        ),
        (
            "sigma_ref_bps",
            "sigma_ref_bps = 100",
            "70:19: SOL",
            InvalidVolatility,
            &[
                "line 70: risk.sigma_floor_bps is 200; 100 or less would pass",
                "line 72: risk.sigma_ref_bps is 100; 200 or more would pass",
            ],
        ),
        (
            "sigma_bps",
            "sigma_bps = 0",
            "53:13: SOL",
            InvalidVolatility,
            &["line 53: sigma_bps is 0; 1 or more would pass"],
        ),
        (
            "depth_floor_tokens",
            "depth_floor_tokens = \"1000000.5\"",
            "68:16: SOL",
            InvalidDepth,
            &[
                "line 68: risk.depth_tokens is 1000000; 1000000.5 or more would pass",
                "line 69: risk.depth_floor_tokens is 1000000.5; 1000000 or less would pass",
            ],
        ),
        (
            "bonus_max_bps",
            "bonus_max_bps = 400",
            "81:17: SOL",
            InvalidBonus,
            &[
                "line 81: bonus.bonus_max_bps is 400; 500 or more would pass",
                "line 17: policy.bonus_default_bps is 500; 400 or less would pass",
            ],
        ),
        (
            "throttle_window_secs",
            "throttle_window_secs = 59",
            "85:24: SOL",
            InvalidBonus,
            &["line 85: bonus.throttle_window_secs is 59; 60 or more would pass"],
        ),
        // Of the defaults the line is theirs.
        (
            "stale_secs",
            "stale_secs = 30000",
            "36:14: SOL",
            InvalidOraclePolicy,
            &[
                "line 36: oracle_policy.stale_secs is 30000; 21599 or less would pass",
                "line 37: oracle_policy.dead_secs is 21600; 30001 or more would pass",
            ],
        ),
        (
            "kink_rate_bps",
            "kink_rate_bps = 10001",
            "43:17: SOL",
            InvalidRates,
            &[
                "line 43: rates.kink_rate_bps is 10001; 10000 or less would pass",
                "line 44: rates.max_rate_bps is 10000; 10001 or more would pass",
            ],
        ),
        (
            "collateral_tokens",
            "collateral_tokens = \"30000\"",
            "90:21: SOL",
            CapTooLargeForDepth,
            &[
                "line 90: caps.collateral_tokens is 30000; 24818.257199444 or less would pass",
                "line 68: risk.depth_tokens is 1000000; 1208787.537292186 or more would pass",
            ],
        ),
        (
            "price_usd",
            "price_usd = \"200000000\"",
            "15:12: SOL",
            DustTooSmall,
            &["line 15: policy.dust_usd is 10; 20000.000000001 or more would pass"],
        ),
        (
            "price_usd",
            "price_usd = \"0.0005\"",
            "84:22: SOL",
            InvalidThrottle,
            &[
                "line 84: bonus.throttle_share_bps is 500; 801 or more would pass",
                "line 68: risk.depth_tokens is 1000000; 1600000.00000008 or more would pass",
                "line 15: policy.dust_usd is 10; 6.249999999 or less would pass",
            ],
        ),
        (
            "outflow_tokens",
            "outflow_tokens = 0",
            "92:18: SOL",
            InvalidOutflowLimit,
            &["line 92: caps.outflow_tokens is 0; 0.000000001 or more would pass"],
        ),
        (
            "trigger_secs",
            "trigger_secs = 1200",
            "144:16: USDC",
            InvalidBackstopPolicy,
            &[
                "line 144: backstop.trigger_secs is 1200; 1199 or less would pass",
                "line 18: policy.auction_secs is 600; 601 or more would pass",
            ],
        ),
    ];
    for (key, line, head, error, blamed) in cases {
        let mut expected = vec![format!("m.toml:{head}: {error} ({error:?})")];
        expected.extend(blamed.iter().map(|line| format!("    {line}")));
        let said = judged(&with(0, key, line));
        assert_eq!(said.get(..expected.len()), Some(&expected[..]), "{line}: {said:#?}");
    }
}

#[test]
fn two_faults_in_one_refusal_show_all_its_lines() {
    let text = with(0, "kink_utilisation_bps", "kink_utilisation_bps = 10000")
        .replace("kink_rate_bps = 600", "kink_rate_bps = 20000");
    let said = judged(&text);
    let expected =
        ["base_rate_bps is 0", "kink_utilisation_bps is 10000", "kink_rate_bps is 20000", "max_rate_bps is 10000"];
    for (line, expected) in said[1..5].iter().zip(expected) {
        assert!(line.ends_with(&format!("rates.{expected}")), "{line}");
    }
}

#[test]
fn any_number_at_its_ends_is_judged_and_never_panics() {
    let mut judgements = 0;
    for (at, line) in LOCALNET.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        for number in ["0", "18446744073709551615", "\"unlimited\"", "\"0.000000001\""] {
            let lines = LOCALNET.lines().enumerate();
            let text: Vec<String> = lines
                .map(|(other, line)| if other == at { format!("{key} = {number}") } else { line.to_owned() })
                .collect();
            let said = judged(&text.join("\n"));
            assert!(said.iter().all(|line| line.starts_with("m.toml:") || line.starts_with("    line ")), "{said:?}");
            judgements += 1;
        }
    }
    assert!(judgements > 300, "{judgements}");
}
