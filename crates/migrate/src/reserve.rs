//! Reserves and backstops: those to be made, and what is fixed in those that are there.

use anchor_lang::prelude::{AccountInfo, Pubkey};
use anchor_spl::token_2022::spl_token_2022::extension::StateWithExtensions;
use anchor_spl::token_2022::spl_token_2022::state::Mint;
use anyhow::Result;
use bytemuck::Zeroable;
use plimsoll_client::accounts::Reserve as ReserveAccount;
use plimsoll_client::address;
use plimsoll_client::errors::explain;
use plimsoll_client::instructions::{CreateBackstop, CreateReserve};
use plimsoll_engine::error::EngineError;
use plimsoll_engine::governance::Subject;
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::{BackstopPolicy, BackstopState, ReserveConfig, ReserveState};
use plimsoll_engine::transitions::configure_reserve;

use crate::chain::{Account, Chain};
use crate::file::Reserve;
use crate::invariants::{judge_reserve, sentence};
use crate::numbers::{of_reserve, reserve_paths, Numbers, Path, BACKSTOP, FIRST_ONLY};
use crate::plan::{decode, Planner};
use crate::source::Fault;
use crate::{govern, managed};

/// First and only generation that a file opens.
const GENERATION: u8 = 0;

/// A reserve as it will be after the steps so far, and what it should be.
pub struct Listed<'a> {
    reserve: &'a Reserve,
    state: Box<ReserveState>,
    config: ReserveConfig,
}

/// Judges all reserves, and plans those that are missing, each with its backstop.
pub fn look<'a, C: Chain>(planner: &mut Planner<'a, C>) -> Result<Vec<Listed<'a>>> {
    let mut listed = Vec::new();
    for reserve in &planner.file.reserves {
        let address = address::reserve(&planner.address, &reserve.mint.value);
        let backstop = address::backstop(&address, GENERATION);
        let accounts = [address, reserve.mint.value, reserve.price_account.value, backstop];
        let found = planner.chain.accounts(&accounts)?;
        let Ok([account, mint, price, pool]) = <[Option<Account>; 4]>::try_from(found) else { continue };
        let Some((decimals, token_program)) = planner.read_mint(reserve, mint) else { continue };
        let state = match account {
            Some(account) => planner.existing(reserve, decode(address, &account)?, decimals),
            None => planner.missing(reserve, price, decimals, token_program),
        };
        let Some((state, config)) = state else { continue };
        planner.look_at_backstop(reserve, &ReserveAccount { address, state: *state }, pool)?;
        listed.push(Listed { reserve, state, config });
    }
    Ok(listed)
}

/// Brings the parameters of a reserve to what the file says.
pub fn govern<C: Chain>(planner: &mut Planner<C>, mut listed: Listed) -> Result<()> {
    let managed = managed::of_reserve(planner.file, listed.reserve, &listed.config);
    let (market, decimals) = (planner.market, listed.state.decimals);
    let mut subject = Subject::Reserve(&mut listed.state, &market);
    govern::reconcile(planner, &listed.reserve.name, &managed, &mut subject, decimals)
}

type Known = Option<(Box<ReserveState>, ReserveConfig)>;

impl<C: Chain> Planner<'_, C> {
    fn fault(&mut self, at: usize, text: String) {
        self.faults.push(Fault::new(at, text));
    }

    /// Decimals and token program of a mint that the program accepts.
    fn read_mint(&mut self, reserve: &Reserve, found: Option<Account>) -> Option<(u8, Pubkey)> {
        let (name, mint) = (&reserve.name, &reserve.mint);
        let Some(account) = found else {
            self.fault(
                mint.at,
                format!("expected the mint of {name} at {}; there is no account on this chain", mint.value),
            );
            return None;
        };
        let accepted = as_info(&mint.value, &account, |info| plimsoll::tokens::accept_mint(info).map_err(words));
        let unpacked = StateWithExtensions::<Mint>::unpack(&account.data).map_err(|error| error.to_string());
        let decimals = match accepted.and(unpacked.map(|mint| mint.base.decimals)) {
            Ok(decimals) => decimals,
            Err(words) => {
                self.fault(mint.at, format!("{} cannot be the mint of {name}: {words}", mint.value));
                return None;
            }
        };
        if let Some(said) = reserve.decimals.as_ref().filter(|said| said.value != decimals) {
            self.fault(said.at, format!("`decimals` of {name} is {}; its mint has {decimals}", said.value));
            return None;
        }
        Some((decimals, account.owner))
    }

    /// Judges a configuration; nothing where it is refused.
    fn judged(&mut self, reserve: &Reserve, decimals: u8, reading: Reading) -> Option<ReserveConfig> {
        let faults = judge_reserve(self.file, reserve, decimals, Some(reading));
        let is_good = faults.is_empty();
        self.faults.extend(faults);
        reserve.config(decimals).ok().filter(|_| is_good)
    }

    /// A reserve that is there: what is fixed must be the same.
    fn existing(&mut self, reserve: &Reserve, state: ReserveState, decimals: u8) -> Known {
        let name = &reserve.name;
        let mut config = self.judged(reserve, decimals, state.reading)?;
        let mut on_chain = state.config();
        if config.oracle_kind != on_chain.oracle_kind {
            let kind = |kind| if kind == 0 { "\"pull\"".to_owned() } else { "\"push\"".to_owned() };
            let shown = [kind(on_chain.oracle_kind), kind(config.oracle_kind)];
            self.fixed(reserve.oracle_kind.at, name, "oracle.kind", &shown);
        }
        for path in reserve_paths().filter(|path| *path != FIRST_ONLY && managed::parameter_of_reserve(*path).is_none())
        {
            let [on_chain, wanted] =
                [&mut on_chain, &mut config].map(|config| of_reserve(config, path).copied().unwrap_or(0));
            if on_chain != wanted {
                let shown = [on_chain, wanted].map(|number| path.show(number, decimals));
                self.fixed(self.file.place(Some(reserve), path), name, &path.full(), &shown);
            }
        }
        Some((Box::new(state), config))
    }

    /// A reserve that is to be made.
    fn missing(&mut self, reserve: &Reserve, price: Option<Account>, decimals: u8, token_program: Pubkey) -> Known {
        let (name, account) = (&reserve.name, &reserve.price_account);
        let Some(price) = price else {
            let text = format!(
                "expected a price account of {name} at {}; there is none. Post a price there first",
                account.value
            );
            self.fault(account.at, text);
            return None;
        };
        let (kind, now) = (u8::try_from(reserve.oracle_kind.value).unwrap_or(u8::MAX), self.now);
        let read =
            |info: &AccountInfo| plimsoll::oracle::read_feed(info, kind, &reserve.oracle.value, &now).map_err(words);
        let reading = match as_info(&account.value, &price, read) {
            Ok(reading) => reading,
            Err(words) => {
                self.fault(
                    account.at,
                    format!("{} does not serve as the price account of {name}: {words}", account.value),
                );
                return None;
            }
        };
        let config = self.judged(reserve, decimals, reading)?;
        // Once a market is launched a token starts with no collateral cap; the cap is proposed then.
        let mut first = config;
        let is_capped = self.market.require_new(&first) == Err(EngineError::CapGrowsTooFast);
        if is_capped {
            first.caps.collateral_atoms = 0;
        }
        if let Err(error) = self.market.require_new(&first) {
            let floor = Path { table: "risk", field: "depth_floor_atoms" };
            self.fault(self.file.place(Some(reserve), floor), format!("{name}: {}", sentence(error)));
            return None;
        }
        let mut state = Box::new(ReserveState { decimals, ..Zeroable::zeroed() });
        (state.market, state.mint) = (self.address.to_bytes(), reserve.mint.value.to_bytes());
        if let Err(error) = configure_reserve(&mut state, &first, &self.market.policy, &reading, &self.now) {
            self.fault(account.at, format!("{name} cannot be made at the price of now: {}", sentence(error)));
            return None;
        }
        self.need_admin();
        let create = CreateReserve {
            admin: self.signer,
            market: self.address,
            mint: reserve.mint.value,
            token_program,
            price: account.value,
            config: first,
        };
        let about = if is_capped { ", with no collateral cap yet: the market is launched" } else { "" };
        let address = address::reserve(&self.address, &reserve.mint.value);
        self.push(name, "create", format!("{address}, {decimals} decimals{about}"), create.instruction());
        Some((state, config))
    }

    fn look_at_backstop(&mut self, reserve: &Reserve, listed: &ReserveAccount, found: Option<Account>) -> Result<()> {
        let Some((mut policy, _)) = reserve.backstop else {
            if found.is_some() {
                self.plan
                    .notes
                    .push(format!("{} has a backstop that the file does not name; it is left alone", reserve.name));
            }
            return Ok(());
        };
        let pool = address::backstop(&listed.address, GENERATION);
        let Some(account) = found else {
            self.need_admin();
            let create = CreateBackstop { admin: self.signer, reserve: listed, generation: GENERATION, policy };
            self.push(&format!("{} pool", reserve.name), "create", pool.to_string(), create.instruction());
            return Ok(());
        };
        let mut on_chain = decode::<BackstopState>(pool, &account)?.policy;
        for field in BackstopPolicy::FIELDS {
            let path = Path { table: BACKSTOP, field };
            let [on_chain, wanted] =
                [&mut on_chain, &mut policy].map(|policy| policy.number(field).copied().unwrap_or(0));
            if on_chain != wanted {
                let shown = [on_chain, wanted].map(|number| number.to_string());
                self.fixed(self.file.place(Some(reserve), path), &reserve.name, &path.full(), &shown);
            }
        }
        Ok(())
    }
}

/// An account as the program's own readers take it.
fn as_info<T>(address: &Pubkey, account: &Account, read: impl FnOnce(&AccountInfo) -> T) -> T {
    let (mut lamports, mut data) = (0, account.data.clone());
    let info = AccountInfo::new(address, false, false, &mut lamports, &mut data, &account.owner, false);
    read(&info)
}

/// The program's refusal in words.
fn words(error: anchor_lang::error::Error) -> String {
    let code = match &error {
        anchor_lang::error::Error::AnchorError(error) => Some(error.error_code_number),
        anchor_lang::error::Error::ProgramError(_) => None,
    };
    code.and_then(explain)
        .map_or_else(|| error.to_string(), |refusal| format!("{} ({})", refusal.sentence, refusal.name))
}
