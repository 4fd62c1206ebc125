//! Parameters, proposals and roles: what is refused of them, and that nothing moves.

use super::common::*;
use ix::ParameterOf;
use plimsoll_engine::governance::proposals::Role as MarketRole;
use plimsoll_engine::governance::{Parameter, ParameterValue};
use PlimsollError::*;

const DELAY_SECS: i64 = 172_800;
const LIFE_SECS: i64 = 259_200;

impl Scene {
    /// A parameter of SOL's reserve.
    fn of_sol(&self, parameter: Parameter) -> ParameterOf {
        self.world.parameter(Some(&self.sol), parameter)
    }
}

#[test]
fn only_what_tightens_is_tightened_and_only_what_does_not_is_proposed() {
    let mut scene = Scene::new();
    let admin = scene.world.admin();
    for (parameter, tighter, same, looser) in [
        (Parameter::Maintenance, 7_999, 8_000, 8_001),
        (Parameter::DebtWeight, 10_001, 10_000, 9_999),
        (Parameter::Initial, 7_499, 7_500, 7_501),
        (Parameter::SupplyCap, 1, 100_000_000_000_000_000, 100_000_000_000_000_001),
    ] {
        let of = scene.of_sol(parameter);
        let case = format!("{parameter:?}");
        scene.refuses_case(&case, NothingChanges, |scene| scene.world.tighten(&admin, &of, same));
        scene.refuses_case(&case, NothingChanges, |scene| scene.world.propose(&admin, &of, same));
        scene.refuses_case(&case, NotTighter, |scene| scene.world.tighten(&admin, &of, looser));
        scene.refuses_case(&case, TightensAtOnce, |scene| scene.world.propose(&admin, &of, tighter));
        let mut what_if = scene.world.clone();
        what_if.tighten(&admin, &of, tighter).expect("tighter");
    }
    // Without a direction both ways wait.
    let of = scene.of_sol(Parameter::BorrowAge);
    for value in [59, 61] {
        scene.refuses(NotTighter, |scene| scene.world.tighten(&admin, &of, value));
        let mut what_if = scene.world.clone();
        what_if.propose(&admin, &of, value).expect("a proposal");
    }
}

#[test]
fn a_parameter_is_of_its_subject_and_a_number_is_no_key() {
    let mut scene = Scene::new();
    let admin = scene.world.admin();
    for &parameter in Parameter::ALL {
        let is_reserves = parameter.is_of_reserve();
        let of = scene.world.parameter((!is_reserves).then_some(&scene.sol), parameter);
        let propose = of.propose(admin.address(), ParameterValue::number(1));
        let tighten = of.tighten(admin.address(), ParameterValue::number(1));
        for instruction in [propose, tighten] {
            let case = format!("{parameter:?} of another subject");
            scene.refuses_case(&case, InvalidParameter, |scene| scene.world.send(&[instruction], &[&admin]));
        }
    }
    let of = scene.of_sol(Parameter::BorrowAge);
    let key = ParameterValue([1; 32]);
    scene.refuses(InvalidParameter, |scene| scene.world.propose_value(&admin, &of, key));
    let of = scene.of_sol(Parameter::SupplyCap);
    scene.refuses(InvalidParameter, |scene| scene.world.send(&[of.tighten(admin.address(), key)], &[&admin]));
    // A number that is no parameter; it stands behind the eight bytes of the instruction.
    for number in [0u16, 13, 99, 113, 199, 204, 211, u16::MAX] {
        assert!(Parameter::of(number).is_err(), "{number}");
        scene.refuses(InvalidParameter, |scene| {
            let edit = move |call: &mut Instruction| call.data[8..10].copy_from_slice(&number.to_le_bytes());
            scene.world.tampering(edit, |world| world.tighten(&admin, &of, 1))
        });
    }
}

#[test]
fn what_would_break_an_invariant_is_refused_signed_or_proposed() {
    let mut scene = Scene::new();
    let admin = scene.world.admin();
    for (parameter, value, error) in [
        (Parameter::Maintenance, 7_500, InvalidWeights),
        (Parameter::Maintenance, 0, InvalidWeights),
        (Parameter::DebtWeight, 10_501, InvalidWeights),
        (Parameter::SigmaFloor, 501, InvalidVolatility),
        (Parameter::Depth, 1_000, InvalidDepth),
        (Parameter::Horizon, 86_401, InvalidHaircut),
        // The cap stands: it goes first.
        (Parameter::Depth, 20_000_000_000_000, CapTooLargeForDepth),
    ] {
        let of = scene.of_sol(parameter);
        let case = format!("{parameter:?} = {value}");
        scene.refuses_case(&case, error, |scene| scene.world.tighten(&admin, &of, value));
    }
    for (parameter, value, error) in [
        (Parameter::Maintenance, 8_200, InvalidBonus),
        (Parameter::Initial, 8_000, InvalidWeights),
        (Parameter::BonusMax, 1_300, InvalidBonus),
        (Parameter::BorrowAge, 121, InvalidOraclePolicy),
        (Parameter::MaxRate, 999, InvalidRates),
        (Parameter::OutflowLimit, 0, InvalidOutflowLimit),
        (Parameter::RescueAllowance, 10_001, CapTooLargeForDepth),
        (Parameter::ThrottleShare, 0, InvalidBonus),
    ] {
        let of = scene.of_sol(parameter);
        let case = format!("{parameter:?} = {value}");
        scene.refuses_case(&case, error, |scene| scene.world.propose(&admin, &of, value));
    }
    for (parameter, value) in
        [(Parameter::TargetHealth, 10_000), (Parameter::FlashFee, 10_000), (Parameter::CoolOff, 26)]
    {
        let of = scene.world.parameter(None, parameter);
        let case = format!("{parameter:?} = {value}");
        scene.refuses_case(&case, InvalidMarketPolicy, |scene| scene.world.propose(&admin, &of, value));
    }
}

#[test]
fn a_proposal_is_executed_from_the_second_it_is_ripe_to_the_second_before_it_expires() {
    let mut scene = Scene::new();
    let (admin, stranger, of) = (scene.world.admin(), scene.stranger.clone(), scene.of_sol(Parameter::BorrowAge));
    scene.world.propose(&admin, &of, 61).expect("a proposal");
    // One at a time.
    scene.refuses(SYSTEM_ACCOUNT_IN_USE, |scene| scene.world.propose(&admin, &of, 62));
    scene.world.advance(DELAY_SECS - 1);
    scene.refuses(ProposalNotRipe, |scene| scene.world.execute(&stranger, &of));
    scene.world.advance(1);
    let mut what_if = scene.world.clone();
    what_if.execute(&stranger, &of).expect("ripe");
    scene.world.advance(LIFE_SECS - 1);
    scene.refuses(MayNotCancel, |scene| scene.world.cancel(&stranger, &of));
    let mut what_if = scene.world.clone();
    what_if.execute(&stranger, &of).expect("not yet over");
    scene.world.advance(1);
    scene.refuses(ProposalExpired, |scene| scene.world.execute(&stranger, &of));
    scene.world.cancel(&stranger, &of).expect("anyone, once it is over");
}

#[test]
fn only_admin_and_council_change_parameters_and_only_who_was_promised_a_role_accepts_it() {
    let mut scene = Scene::new();
    let (stranger, lender, treasury) = (scene.stranger.clone(), scene.lender.clone(), scene.world.treasury.clone());
    let of = scene.of_sol(Parameter::SupplyCap);
    let people: [&dyn Role; 3] = [&stranger, &lender, &treasury];
    for person in people {
        let (tighten, propose) = (
            of.tighten(person.address(), ParameterValue::number(1)),
            of.propose(person.address(), ParameterValue::number(u64::MAX)),
        );
        for instruction in [tighten, propose] {
            scene.refuses(NotCouncil, |scene| scene.world.send(&[instruction], &[person]));
        }
        for role in [MarketRole::Admin, MarketRole::Guardian, MarketRole::Council] {
            let (holder, market) = (person.address(), scene.world.market);
            let accept = ix::AcceptRole { holder, market, role }.instruction();
            scene.refuses(NotPending, |scene| scene.world.send(&[accept], &[person]));
        }
    }
    scene.refuses(InvalidParameter, |scene| {
        scene.world.tampering(|call| call.data[8] = 3, |world| world.accept_role(&stranger, MarketRole::Admin))
    });
    scene.refuses(NotAdmin, |scene| scene.world.launch_market(&stranger));
    let admin = scene.world.admin();
    scene.world.launch_market(&admin).expect("a launch");
    scene.refuses(NothingChanges, |scene| scene.world.launch_market(&admin));
}
