use std::fs;

use plimsoll_engine::fixed::Factor;

use super::*;

/// Largest picture, bytes.
const PICTURE_BYTES_MAX: usize = 100_000;
const HEADER: &str =
    "expected a header that names at least `time` and `close`, such as `time,open,high,low,close`; got";
const ROW: &str = "expected unix seconds in column `time` and USD in column `close`; got";

fn synthetic() -> Vec<replay::Moment> {
    replay::replay(&Path::synthetic()).unwrap()
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-pictures-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn committed_pictures_are_what_the_engine_draws() {
    let committed = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures"));
    let mut pictures = curves().unwrap();
    pictures.push(crash().unwrap());
    for Picture { file, svg } in pictures {
        let same = fs::read(committed.join(file)).is_ok_and(|bytes| bytes == svg.as_bytes());
        assert!(
            same,
            "docs/pictures/{file} is not what the engine draws now: run `cargo run -p plimsoll-cli -- pictures` in the \
             repository's folder, look at it, see whether the captions in docs/liquidation.md still hold, and commit it"
        );
        assert!(svg.len() <= PICTURE_BYTES_MAX, "{file} has {} bytes", svg.len());
    }
}

#[test]
fn initial_is_never_laxer_than_maintenance() {
    for moment in synthetic() {
        assert!(moment.initial.is_some_and(|initial| initial > moment.maintenance), "{moment:?}");
        assert!(moment.sigma_initial >= moment.sigma_maintenance, "{moment:?}");
    }
}

#[test]
fn maintenance_rises_at_a_bounded_speed_and_falls_at_once() {
    let per_hour = terms::collateral().risk.sigma_rise_bps_per_hour;
    let (mut bounded, mut fell) = (0, 0);
    for pair in synthetic().windows(2) {
        let [before, after] = [pair[0], pair[1]];
        let elapsed_secs = u64::try_from(after.unix - before.unix).unwrap();
        // A factor's last places are below a hundredth of a basis point.
        let most = Factor(Factor::from_bps_ceil(per_hour * 100).0 * elapsed_secs / 360_000 + 1);
        assert!(after.sigma_maintenance <= before.sigma_maintenance.plus(most), "{before:?} {after:?}");
        bounded += usize::from(after.sigma_maintenance < after.sigma_initial);
        if after.sigma_initial < before.sigma_maintenance {
            assert_eq!(after.sigma_maintenance, after.sigma_initial, "{before:?} {after:?}");
            fell += 1;
        }
    }
    // More than half a day of the one, more than two days of the other.
    assert!(bounded > 144 && fell > 576, "{bounded} steps below what was observed, {fell} steps down");
}

#[test]
fn the_captions_hold() {
    let moments = synthetic();
    // The position is never liquidatable, and would have been for more than two hours.
    assert!(moments.iter().all(|moment| moment.maintenance <= moment.price));
    let spared = moments.iter().filter(|moment| moment.is_spared()).count();
    assert!(spared > 24, "spared for {spared} steps");
    // Within a day maintenance volatility is back where it does not show: a quarter of a percent a day below.
    let near = Factor::from_bps_floor(25);
    let late = moments.iter().filter(|moment| moment.sigma_maintenance.plus(near) < moment.sigma_initial).count();
    assert!(late < 288, "late for {late} steps");
    // At the bottom it could not have been opened.
    let bottom = moments.iter().min_by_key(|moment| moment.price).unwrap();
    assert!(bottom.initial.is_none_or(|initial| bottom.price < initial), "{bottom:?}");
}

#[test]
fn a_recorded_crash_is_drawn_beside_the_committed_one_not_over_it() {
    let out = folder("replay");
    let file = out.with_extension("csv");
    // Two weeks of hours: calm at 100, a fall by a third in an hour, calm at 70.
    let close = |hour: u64| if hour < 216 { 100 + hour % 2 } else { 67 + hour % 3 };
    let rows: String =
        (0..336).map(|hour| format!("{},1,1,1,{}\r\n", 1_700_000_000 + hour * 3_600, close(hour))).collect();
    fs::write(&file, format!("time,open,high,low,close\r\n{rows}")).unwrap();
    run(&Args { out: out.clone(), prices: Some(file.clone()) }).unwrap();
    fs::remove_file(file).unwrap();
    let mut files: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["alv.svg", "bonus.svg", "replay.svg"]);
    let svg = fs::read_to_string(out.join("replay.svg")).unwrap();
    // The first row is of the evening of 14 November, the highest price a day before the fall of hour 193.
    assert!(svg.contains("prices from 2023-11-21 on"), "{svg}");
    assert!(svg.contains("nothing may be opened"), "a third off, the price is too far off its average: {svg}");
    fs::remove_dir_all(&out).unwrap();
}

fn refusal(text: &str) -> String {
    match csv::parse(text) {
        Ok(ticks) => panic!("a broken file was read as {} prices", ticks.len()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_broken_file_of_prices_is_refused_with_the_line_what_was_expected_and_what_came() {
    let cases = [
        ("", format!("{HEADER} an empty file")),
        ("\n1,2\n", format!("line 1: {HEADER} an empty line")),
        ("PK\u{3}\u{4}garbage", format!("line 1: {HEADER} `PK\u{3}\u{4}garbage`")),
        ("time,open\n1,2\n", format!("line 1: {HEADER} `time,open`")),
        ("time,close\n60\n", "line 2: expected 2 columns as in the header; got 1: `60`".into()),
        ("time,close\n60,2\n\n120,x\n", format!("line 4: {ROW} `120,x`")),
        ("time,close\nnoon,2\n", format!("line 2: {ROW} `noon,2`")),
        ("time,close\n60,0\n", format!("line 2: {ROW} `60,0`")),
        ("time,close\n60,-3\n", format!("line 2: {ROW} `60,-3`")),
        ("time,close\n60,NaN\n", format!("line 2: {ROW} `60,NaN`")),
        ("time,close\n60,2e9\n", format!("line 2: {ROW} `60,2e9`")),
        ("time,close\n-60,2\n", format!("line 2: {ROW} `-60,2`")),
        ("time,close\n120,2\n60,2\n", "line 3: expected a time after that of the row before, 120; got 60".into()),
        ("time,close\n60,2\n60,2\n", "line 3: expected a time after that of the row before, 60; got 60".into()),
        ("time,close\n", "expected rows of at least a day below the header; got 0 that cover 0 seconds".into()),
        (
            "time,close\n60,2\n3660,1\n",
            "expected rows of at least a day below the header; got 2 that cover 3600 seconds".into(),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), expected, "{text:?}");
    }
    let long = "9".repeat(500);
    assert_eq!(refusal(&long), format!("line 1: {HEADER} `{}...`", "9".repeat(60)));
}

#[test]
fn a_file_that_is_missing_not_text_or_never_falls_is_named() {
    let folder = folder("files");
    let said = |file: PathBuf| format!("{:#}", run(&Args { out: folder.clone(), prices: Some(file) }).unwrap_err());
    let file = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        fs::write(&file, bytes).unwrap();
        file
    };
    assert!(said(folder.join("none.csv")).starts_with(&format!("cannot read {}/none.csv", folder.display())));
    assert!(said(file("binary.csv", &[0xff, 0xfe, 0, 1])).contains("binary.csv: stream did not contain valid UTF-8"));
    let named = said(file("empty.csv", b""));
    assert_eq!(named, format!("{}/empty.csv is not a file of prices: {HEADER} an empty file", folder.display()));
    let rising = said(file("rising.csv", b"time,close\n60,1\n86460,2\n"));
    assert!(rising.ends_with("rising.csv: expected a price lower than one of the day before, got none in 2 rows"));
    // Nothing is drawn where the prices are refused.
    assert!(!folder.join("alv.svg").exists());
    fs::remove_dir_all(&folder).unwrap();
}
