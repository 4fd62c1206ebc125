//! The engine for the browser: the functions that decide on chain, asked over plain bytes.
//!
//! A page hands in accounts as it got them from a node, and a question; it gets back a quote, byte for byte what the program
//! would return, or a preview of an action: what the engine's own transitions would make of the same accounts. There is no
//! second implementation of anything that decides.
//!
//! [`call`] is all of it. On the `wasm32` target three exported functions put it behind two buffers (`abi.rs`). Numbers are
//! little-endian, structures lie as the engine keeps them (`repr(C)`, no padding), accounts with their discriminators.
//!
//! | question | input behind what is said there | answer |
//! |---|---|---|
//! | [`Question::QuotePosition`] | [scene](scene::Scene) | `PositionQuote` |
//! | [`Question::QuoteLiquidation`] | scene, collateral slot, debt slot, most to repay | `LiquidationQuote` |
//! | [`Question::Preview`] | scene, [action](action::Action) | [`Preview`](preview::Preview) |
//! | [`Question::Most`] | scene, action, least health 1e-9, spare seconds | [`Most`](most::Most) |
//! | [`Question::Shock`] | scene, count, then reserve and new price in bps of the old, each | `PositionQuote` |
//! | [`Question::Reserve`] | now, reserve | [`ReserveQuote`](reserve::ReserveQuote) |
//! | [`Question::Curve`] | now, reserve, 1 for initial health, count, then atoms, each | [`CurvePoint`](reserve::CurvePoint), each |
//! | [`Question::Accrue`] | now, reserve | the reserve with interest booked |
//! | [`Question::QuoteLender`] | now, reserve, lender | `LenderQuote` |
//! | [`Question::QuoteLenderExposure`] | now, reserve, lender, position, debt slot | `LenderExposureQuote` |
//! | [`Question::QuoteBackstopProvider`] | now, pool, provider | `BackstopProviderQuote` |
//! | [`Question::PreviewSupply`] | now, market, reserve, lender, [change](lending::SupplyChange) | [`SupplyPreview`](lending::SupplyPreview) |
//! | [`Question::Bonus`] | `BonusTerms`, health, seconds, auction seconds, values | factor, Q40 |
//! | [`Question::RepayToTarget`] | shortfall and two factors | 1 and value, or 0 and 0 |
#![cfg_attr(target_arch = "wasm32", no_std)]
#![warn(missing_docs)]
#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod abi;
pub mod action;
pub mod bytes;
mod formulas;
pub mod lending;
pub mod most;
pub mod preview;
pub mod reserve;
pub mod scene;

use bytemuck::bytes_of;
use bytes::{Input, Output};
use plimsoll_engine::quote;
use scene::Scene;

/// Bytes of the buffer for questions: a scene of the most legs with offers, and room to spare.
pub const INPUT_BYTES: usize = 1 << 16;
/// Bytes of the buffer for answers.
pub const OUTPUT_BYTES: usize = 1 << 16;

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)] // The table above says what each is.
pub enum Question {
    QuotePosition = 1,
    QuoteLiquidation = 2,
    Preview = 3,
    Most = 4,
    Shock = 5,
    Reserve = 6,
    Curve = 7,
    Accrue = 8,
    QuoteLender = 9,
    QuoteLenderExposure = 10,
    QuoteBackstopProvider = 11,
    PreviewSupply = 12,
    Bonus = 13,
    RepayToTarget = 14,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::QuotePosition,
        Self::QuoteLiquidation,
        Self::Preview,
        Self::Most,
        Self::Shock,
        Self::Reserve,
        Self::Curve,
        Self::Accrue,
        Self::QuoteLender,
        Self::QuoteLenderExposure,
        Self::QuoteBackstopProvider,
        Self::PreviewSupply,
        Self::Bonus,
        Self::RepayToTarget,
    ];
}

/// Why there is no answer. These are mistakes of the caller; refusals of the engine are answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Mistake {
    /// No such question.
    UnknownQuestion = -1,
    /// Too few bytes, too many, or a number out of its range.
    Malformed = -2,
    /// An account of a layout version this engine does not know.
    UnknownVersion = -3,
    /// A leg of the position is not among the reserves, or an action names none of them.
    ReserveMissing = -4,
    /// A reserve or position of another market.
    WrongMarket = -5,
    /// The answer does not fit the buffer.
    TooLong = -6,
}

/// Answers a question. Returns how many bytes of `answer` were written.
///
/// # Errors
/// See [`Mistake`].
pub fn call(question: u32, input: &[u8], answer: &mut [u8]) -> Result<usize, Mistake> {
    let question = Question::ALL.into_iter().find(|known| *known as u32 == question).ok_or(Mistake::UnknownQuestion)?;
    let (mut input, mut output) = (Input::new(input), Output::new(answer));
    answer_to(question, &mut input, &mut output)?;
    Ok(output.len())
}

fn answer_to(question: Question, input: &mut Input, output: &mut Output) -> Result<(), Mistake> {
    match question {
        Question::QuotePosition => {
            let scene = Scene::read(input)?;
            input.end()?;
            output.put(bytes_of(&scene.quote()?))
        }
        Question::QuoteLiquidation => {
            let scene = Scene::read(input)?;
            let [collateral, debt, repay_max_atoms] = input.pod()?;
            input.end()?;
            output.put(bytes_of(&scene.quote_liquidation((collateral, debt), repay_max_atoms)?))
        }
        Question::Preview => {
            let (scene, action) = (Scene::read(input)?, input.pod()?);
            input.end()?;
            output.put(bytes_of(&preview::preview(&scene, &action)?))
        }
        Question::Most => {
            let (mut scene, action) = (Scene::read(input)?, input.pod()?);
            let [least_health_e9, spare_secs] = input.pod()?;
            input.end()?;
            scene.later(spare_secs);
            output.put(bytes_of(&most::most(&scene, &action, least_health_e9)?))
        }
        Question::Shock => {
            let mut scene = Scene::read(input)?;
            for _ in 0..input.pod::<u64>()? {
                scene.shock(&input.pod()?, input.pod()?)?;
            }
            input.end()?;
            output.put(bytes_of(&scene.quote()?))
        }
        Question::Reserve => {
            let (now, reserve) = (input.now()?, input.reserve()?);
            input.end()?;
            output.put(bytes_of(&reserve::quote_reserve(&reserve, &now)))
        }
        Question::Curve => reserve::curve(input, output),
        Question::Accrue => {
            let (now, mut reserve) = (input.now()?, input.reserve()?);
            input.end()?;
            reserve.accrue(now.unix);
            output.put(bytes_of(&reserve))
        }
        Question::QuoteLender => {
            let (now, reserve, lender) = (input.now()?, input.reserve()?, input.lender()?);
            input.end()?;
            output.put(bytes_of(&quote::quote_lender(&reserve, &lender, &now)))
        }
        Question::QuoteLenderExposure => {
            let (now, reserve, lender) = (input.now()?, input.reserve()?, input.lender()?);
            let (position, debt) = (input.position()?, input.index()?);
            input.end()?;
            output.put(bytes_of(&quote::quote_lender_exposure(&reserve, &lender, &position, debt, &now)))
        }
        Question::QuoteBackstopProvider => {
            let (now, pool, provider) = (input.now()?, input.backstop()?, input.provider()?);
            input.end()?;
            output.put(bytes_of(&quote::quote_backstop_provider(&pool, &provider, &now)))
        }
        Question::PreviewSupply => lending::answer(input, output),
        Question::Bonus => formulas::bonus(input, output),
        Question::RepayToTarget => formulas::repay_to_target(input, output),
    }
}
