use super::decimal::{show, Decimal};
use super::*;

fn file(cases: &str) -> String {
    format!(r#"{{"cases": [{cases}]}}"#)
}

fn statuses(text: &str) -> Vec<&'static str> {
    evaluate(text).unwrap().iter().map(Outcome::status).collect()
}

fn error(text: &str) -> String {
    match evaluate(text) {
        Ok(_) => panic!("a malformed file was accepted"),
        Err(error) => format!("{error:#}"),
    }
}

/// A bonus of 4% between 1% and 8%, with one field replaced.
fn bonus(expected: &str, field: &str, value: &str) -> String {
    let fields = [
        ("health", r#""0.96""#),
        ("b_min", r#""0.01""#),
        ("b_max", r#""0.08""#),
        ("h_max_bonus", r#""0.9""#),
        ("flagged_secs", "0"),
        ("auction_secs", "600"),
        ("collateral_value", r#""20000""#),
        ("debt_value", r#""10000""#),
    ];
    let fields: Vec<String> =
        fields.iter().map(|(name, old)| format!(r#""{name}": {}"#, if *name == field { value } else { old })).collect();
    file(&format!(
        r#"{{"kind": "bonus", "note": "n", "in": {{{}}}, "out": {{"bonus": "{expected}"}}, "tol_rel": "1e-9"}}"#,
        fields.join(", ")
    ))
}

#[test]
fn every_case_of_the_golden_files_passes() {
    for (name, text) in [
        ("reference", include_str!("../../../../vectors/reference.json")),
        ("plimsoll", include_str!("../../../../vectors/plimsoll.json")),
    ] {
        let outcomes = evaluate(text).unwrap();
        let failed: Vec<String> =
            outcomes.iter().filter(|outcome| outcome.status() == "FAIL").map(Outcome::line).collect();
        assert!(failed.is_empty(), "{name}: {failed:#?}");
        assert!(outcomes.len() >= 50, "{name}: only {} cases were evaluated", outcomes.len());
    }
}

#[test]
fn a_wrong_expectation_fails_and_says_so() {
    assert_eq!(statuses(&bonus("0.038", "", "")), ["pass"]);
    let outcomes = evaluate(&bonus("0.039", "", "")).unwrap();
    assert_eq!(outcomes[0].status(), "FAIL");
    assert_eq!(outcomes[0].line(), "FAIL 1 bonus (n): bonus expected 0.039 got 0.037999999999 <- differs");
}

#[test]
fn a_result_passes_within_the_larger_tolerance() {
    // A millionth absolute is more than a billionth of 0.038.
    assert_eq!(statuses(&bonus("0.0380009", "", "")), ["pass"]);
    assert_eq!(statuses(&bonus("0.0380011", "", "")), ["FAIL"]);
}

#[test]
fn atoms_must_be_equal_unless_the_case_allows_more() {
    let haircut = |lender: &str, tolerance: &str| {
        let out = format!(r#"{{"insurance_paid": 5, "haircut_total": 10, "lender_assets": ["{lender}"]{tolerance}}}"#);
        file(&format!(
            r#"{{"kind": "haircut", "note": "n", "in": {{"lender_assets": ["100"], "insurance": "5", "loss": 15}}, "out": {out}, "tol_rel": "0"}}"#
        ))
    };
    // The virtual atom takes its share of the loss and lenders theirs of it.
    assert_eq!(statuses(&haircut("90", "")), ["pass"]);
    assert_eq!(statuses(&haircut("91", "")), ["FAIL"]);
    assert_eq!(statuses(&haircut("91", r#", "abs_tol": "1""#)), ["pass"]);
    assert_eq!(statuses(&haircut("91", r#", "abs_tol": {"lender_assets": 1}"#)), ["pass"]);
    assert_eq!(statuses(&haircut("91", r#", "abs_tol": {"haircut_total": 1}"#)), ["FAIL"]);
}

/// The golden case of a kind with this note, alone in a file, after an edit.
fn golden(kind: &str, note: &str, edit: impl FnOnce(&mut Json)) -> String {
    let file: Json = serde_json::from_str(include_str!("../../../../vectors/plimsoll.json")).unwrap();
    let is_it = |case: &&Json| case["kind"] == kind && case["note"].as_str().unwrap().starts_with(note);
    let mut case = file["cases"].as_array().unwrap().iter().find(is_it).unwrap().clone();
    edit(&mut case);
    json!({ "cases": [case] }).to_string()
}

/// The lines that the command prints for a file, and how it exits.
fn command(name: &str, text: &str) -> (Vec<String>, ExitCode) {
    let file = std::env::temp_dir().join(format!("plimsoll-vectors-{}-{name}.json", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let (report, code) = answer(&Args { file: file.clone(), json: false }).unwrap();
    std::fs::remove_file(file).unwrap();
    (report.lines().map(str::to_owned).collect(), code)
}

#[test]
fn a_wrong_number_of_a_plan_fails_the_command_and_is_named() {
    let note = "throttle, barely unhealthy: a quarter of it";
    let (_, code) = command("plan", &golden("plan", note, |_| ()));
    assert_eq!(code, ExitCode::SUCCESS);
    // One atom: the throttle is not in doubt.
    let wrong = golden("plan", note, |case| case["out"]["throttle_left_atoms"] = json!("100000000001"));
    let (lines, code) = command("plan", &wrong);
    assert_eq!(code, ExitCode::FAILURE);
    assert!(lines[0].starts_with(&format!("FAIL 1 plan ({note}): ")), "{lines:?}");
    assert!(lines[0].ends_with("throttle_left_atoms expected 100000000001 got 100000000000 <- differs"), "{lines:?}");
    let wrong = golden("plan", "throttle with nothing left", |case| case["out"]["refusal"] = json!("Healthy"));
    let (lines, code) = command("plan", &wrong);
    assert_eq!(code, ExitCode::FAILURE);
    assert!(lines[0].ends_with("refusal expected Healthy got Throttled <- differs"), "{lines:?}");
}

#[test]
fn a_wrong_number_of_a_sequence_fails_the_command_and_is_named() {
    let note = "an auction to its largest bonus";
    let (_, code) = command("sequence", &golden("sequence", note, |_| ()));
    assert_eq!(code, ExitCode::SUCCESS);
    for (name, wrong, got) in [
        ("USDC.cash_atoms", json!("402000000001"), "402000000000"),
        ("bob.auction_secs", json!(61), "60"),
        // Missing means zero.
        ("bob.USDC.debt_atoms", json!(null), "98000000000"),
    ] {
        let text = golden("sequence", note, |case| {
            let out = case["out"].as_object_mut().unwrap();
            out.remove(name);
            if !wrong.is_null() {
                out.insert(name.to_owned(), wrong.clone());
            }
        });
        let (lines, code) = command("sequence", &text);
        assert_eq!(code, ExitCode::FAILURE);
        assert!(lines[0].starts_with(&format!("FAIL 1 sequence ({note}")), "{lines:?}");
        let expected = wrong.as_str().map_or(wrong.to_string(), str::to_owned).replace("null", "0");
        assert!(lines[0].contains(&format!("{name} expected {expected} got {got} <- differs")), "{lines:?}");
    }
}

#[test]
fn an_action_that_ends_otherwise_than_expected_fails_and_is_named() {
    let note = "a liquidation to the target";
    let text = golden("sequence", note, |case| {
        case["in"]["actions"][3].as_object_mut().unwrap().remove("refused");
    });
    let outcomes = evaluate(&text).unwrap();
    assert!(outcomes[0].line().contains("action 4 liquidate expected done got Healthy <- differs"));
    let text = golden("sequence", note, |case| case["in"]["actions"][0]["refused"] = json!("ZeroAmount"));
    let outcomes = evaluate(&text).unwrap();
    assert!(outcomes[0].line().contains("action 1 supply expected ZeroAmount got done <- differs"));
}

#[test]
fn a_malformed_sequence_is_refused_by_field() {
    let note = "a liquidation to the target";
    let broken = |edit: fn(&mut Json)| error(&golden("sequence", note, edit));
    assert_eq!(
        broken(|case| case["in"]["actions"][1]["do"] = json!("pray")),
        r#"case 1 (sequence).in.actions[1].do should be a known action, found "pray""#
    );
    assert_eq!(
        broken(|case| case["in"]["actions"][1]["who"] = json!("nobody")),
        r#"case 1 (sequence).in.actions[1].who should be one of the people, found "nobody""#
    );
    assert_eq!(
        broken(|case| case["in"]["actions"][0]["at_secs"] = json!(1)),
        "case 1 (sequence).in.actions[1].at_secs should be no earlier than the action before, found 0"
    );
    assert_eq!(
        broken(|case| case["in"]["reserves"][0]["risk"]["maintenance_bps"] = json!(9_999)),
        "case 1 (sequence).in.reserves[0] was refused: InvalidBonus"
    );
    assert_eq!(
        broken(|case| case["out"]["SOL.cash"] = json!(1)),
        "case 1 (sequence).out.SOL.cash should be the name of a result of this market, found 1"
    );
    assert_eq!(
        broken(|case| case["out"]["abs_tol"]["SOL.cash"] = json!(1)),
        "case 1 (sequence).out.abs_tol.SOL.cash should be the name of a result of this market, found 1"
    );
}

/// Two providers of one and two tokens, a purchase, and half a token withdrawn, with a text replaced.
fn product_sum(old: &str, new: &str) -> String {
    let case = r#"{"kind": "product_sum", "note": "n", "in": {"providers": 2, "events": [
        {"deposit": {"who": 0, "amount": "1"}}, {"deposit": {"who": 1, "amount": 2}},
        {"offset": {"debt": "1.5", "collateral": "0.3"}}, {"withdraw": {"who": 1, "amount": "0.5"}},
        {"offset": {"debt": "0.5", "collateral": "1"}}]},
        "out": {"deposits": ["0.25", "0.25"], "gains": ["0.6", "0.7"]}, "tol_rel": "0"}"#;
    file(&case.replace(old, new))
}

#[test]
fn a_pool_is_played_and_every_provider_compared() {
    assert_eq!(statuses(&product_sum("", "")), ["pass"]);
    let outcomes = evaluate(&product_sum("0.7", "0.8")).unwrap();
    assert!(outcomes[0].line().ends_with("gains[1] expected 0.8 got 0.699999999 <- differs"), "{}", outcomes[0].line());
    assert_eq!(
        error(&product_sum(r#""who": 1"#, r#""who": 2"#)),
        "case 1 (product_sum).in.events[1].deposit.who should be one of the providers, found 2"
    );
    assert_eq!(
        error(&product_sum(r#""1.5""#, r#""3""#)),
        "case 1 (product_sum).in.events[2].offset was refused: BackstopEmpty"
    );
    assert_eq!(
        error(&product_sum(r#""1.5""#, r#""1.5000000001""#)),
        r#"case 1 (product_sum).in.events[2].offset.debt should be an amount of tokens with at most nine decimals, found "1.5000000001""#
    );
    assert_eq!(
        error(&product_sum("withdraw", "pray")),
        "case 1 (product_sum).in.events[3] should be a deposit, a withdraw or an offset"
    );
    assert_eq!(
        error(&product_sum(r#"["0.25", "0.25"]"#, r#"["0.25"]"#)),
        r#"case 1 (product_sum).out.deposits should be a list of 2, found ["0.25"]"#
    );
}

/// Two lenders, a loss and a recovery, with one event more.
fn claims(event: &str, paid: &str) -> String {
    file(&format!(
        r#"{{"kind": "claims", "note": "n", "in": {{"lenders": 2, "events": [{{"shares": {{"who": 0, "amount": "3"}}}},
        {{"shares": {{"who": 1, "amount": "1"}}}}, {{"loss": "100"}}, {{"recovery": "40"}}, {event}]}},
        "out": {{"outstanding": ["45", "15"], "paid": {paid}}}, "tol_rel": "0"}}"#
    ))
}

#[test]
fn claims_are_judged_lender_by_lender() {
    let late = r#"{"shares": {"who": 1, "amount": "0"}}"#;
    assert_eq!(statuses(&claims(late, r#"["30", "10"]"#)), ["pass"]);
    let outcomes = evaluate(&claims(late, r#"["30", "10.00001"]"#)).unwrap();
    assert!(
        outcomes[0].line().contains("paid[1] expected 10.00001 got 9.999999999999 <- differs"),
        "{}",
        outcomes[0].line()
    );
    let paid = r#"["30"]"#;
    assert!(error(&claims(late, paid)).contains("out.paid should be a list of 2"));
    let paid = r#"["30", "10"]"#;
    assert!(error(&claims(r#"{"shares": {"who": 2, "amount": "1"}}"#, paid))
        .contains("who should be the place of a lender"));
    assert!(error(&claims(r#"{"recovery": "61"}"#, paid)).contains("should be at most what is outstanding"));
    assert!(error(&claims(r#"{"loss": "1e-10"}"#, paid)).contains("should be an amount of at most 9 decimals"));
    assert!(error(&claims(r#"{}"#, paid)).contains("recovery is missing"));
}

#[test]
fn a_malformed_file_is_refused_by_case_and_field() {
    assert_eq!(
        error(&bonus("0.038", "health", r#""high""#)),
        r#"case 1 (bonus).in.health should be a decimal number, found "high""#
    );
    assert_eq!(
        error(&bonus("0.038", "b_min", r#""0.00015""#)),
        r#"case 1 (bonus).in.b_min should be a whole number of basis points, found "0.00015""#
    );
    assert_eq!(
        error(&bonus("0.038", "flagged_secs", "-1")),
        "case 1 (bonus).in.flagged_secs should be a whole number below 2^64, found -1"
    );
    assert_eq!(
        error(&bonus("0.038", "debt_value", "null")),
        "case 1 (bonus).in.debt_value should be a decimal number, found null"
    );
    assert_eq!(
        error(&file(r#"{"kind": "alv", "note": "n", "in": {}, "out": {}, "tol_rel": "0"}"#)),
        "case 1 (alv).in.price is missing"
    );
    assert_eq!(
        error(&file(r#"{"kind": "alv", "note": "n", "out": {}, "tol_rel": "0"}"#)),
        "case 1 (alv).in is missing"
    );
    assert_eq!(
        error(&file(r#"{"kind": "tarot", "note": "n"}"#)),
        r#"case 1 (tarot).kind should be a known kind, found "tarot""#
    );
    assert_eq!(error(&file("3")), "case 1 should be an object, found 3");
    assert_eq!(error(r#"{"cases": []}"#), "cases should not be empty");
    assert_eq!(error("{}"), "cases should be a list");
    assert!(error("{").contains("line 1"));
}

#[test]
fn a_report_carries_every_result() {
    let outcomes = evaluate(&bonus("0.039", "", "")).unwrap();
    let report = report(&outcomes, &Tally::of(&outcomes));
    assert_eq!(report["failed"], 1);
    assert_eq!(
        report["cases"][0]["results"][0],
        json!({ "name": "bonus", "expected": "0.039", "got": "0.037999999999", "passed": false })
    );
}

#[test]
fn decimals_are_read_and_shown_exactly() {
    let shown = |text: &str| Decimal::parse(text).map(|decimal| show(&decimal.rational(), 12));
    for (text, expected) in [
        ("0", "0"),
        ("12.50", "12.5"),
        ("-0.001", "-0.001"),
        ("1e-6", "0.000001"),
        ("2.5E3", "2500"),
        ("7.", "7"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
    }
    for text in ["", ".", "-", "1.2.3", "0x10", "1e", "1e999", "--1", "1_000", " 1"] {
        assert_eq!(Decimal::parse(text), None, "{text}");
    }
    assert_eq!(Decimal::parse("150").unwrap().number_at(-8), Some(15_000_000_000));
    assert_eq!(Decimal::parse("0.5").unwrap().number_at(0), None);
}
