//! Markets, parameters, roles and pauses.

use plimsoll::constants::MARKET_SEED;
use plimsoll_engine::governance::proposals::Role as MarketRole;
use plimsoll_engine::governance::{Parameter, ParameterValue};
use plimsoll_testkit::prelude::*;

use super::Played;
use crate::sheet::Sheet;

pub fn play(sheet: &mut Sheet) -> Played {
    let mut world = sheet.world();
    let id = (2..).find(|id: &u16| super::is_first(&[MARKET_SEED, &id.to_le_bytes()])).expect("one in two");
    sheet.note("create_market", &world.create_market(id, policy())?);
    let (usdc, _) = super::add(&mut world, Spec::stable("USDC", "1"));
    let (admin, keeper) = (world.admin(), world.person("keeper"));
    let depth = world.reserve(&usdc).state.risk_target.depth_atoms;
    sheet.note("confirm_depth", &world.confirm_depth(&admin, &usdc, depth)?);
    sheet.note("launch_market", &world.launch_market(&admin)?);
    let cap = world.parameter(Some(&usdc), Parameter::BorrowCap);
    sheet.note("tighten_parameter", &world.tighten(&admin, &cap, usdc.atoms("1000"))?);
    sheet.note("propose_parameter", &world.propose(&admin, &cap, usdc.atoms("2000"))?);
    sheet.note("cancel_proposal", &world.cancel(&admin, &cap)?);
    world.propose(&admin, &cap, usdc.atoms("2000"))?;
    let role = world.parameter(None, Parameter::Guardian);
    world.propose_value(&admin, &role, ParameterValue(keeper.address().to_bytes()))?;
    world.advance_with_prices(172_800);
    sheet.note("execute_proposal", &world.execute(&keeper, &cap)?);
    world.execute(&keeper, &role)?;
    sheet.note("pause", &world.pause(Pausable::Borrow, 600)?);
    sheet.note("unpause", &world.unpause(Pausable::Borrow)?);
    sheet.note("accept_role", &world.accept_role(&keeper, MarketRole::Guardian)?);
    Ok(())
}
