//! What there is to do, from the file and the chain. Nothing here sends.

use anchor_lang::prelude::Pubkey;
use anyhow::{bail, Context, Result};
use bytemuck::Zeroable;
use plimsoll_client::accounts::{Account as Owned, AccountState};
use plimsoll_client::instructions::{CreateMarket, LaunchMarket};
use plimsoll_client::{address, Instruction};
use plimsoll_engine::governance::Subject;
use plimsoll_engine::state::{MarketPolicy, MarketState};
use plimsoll_engine::Now;
use serde::Serialize;

use crate::chain::{Account, Chain};
use crate::file::File;
use crate::invariants::judge_market;
use crate::managed::{self, Managed};
use crate::numbers::{Numbers, Path, POLICY};
use crate::source::Fault;
use crate::{govern, program, reserve, time};

/// What a step sends.
#[derive(Clone, Debug)]
pub enum Call {
    /// The program.
    Deploy {
        /// Program file.
        so: String,
        /// Key of its address.
        keypair: String,
    },
    /// One instruction.
    Send(Box<Instruction>),
}

/// A change of one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name in the file.
    pub key: String,
    /// Line of the file.
    pub line: usize,
    /// Value on the chain, as the file would write it.
    pub from: String,
    /// Value after the change.
    pub to: String,
}

/// One thing to do, in one transaction.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What it is done to.
    pub subject: String,
    /// What is done.
    pub action: &'static str,
    /// The change of a value, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// More about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What it sends.
    #[serde(skip)]
    pub call: Call,
}

impl Step {
    pub(crate) fn new(subject: &str, action: &'static str, about: String, call: Call) -> Self {
        Self { subject: subject.to_owned(), action, change: None, about, call }
    }
}

/// One thing that this run cannot do.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// What it is about.
    pub subject: String,
    /// The change of a value, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// What it waits for.
    pub about: String,
    /// Unix time from which a later run can do it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// Everything that is to be done, in order, and what has to wait.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    /// To do now.
    pub steps: Vec<Step>,
    /// To do later.
    pub waiting: Vec<Waiting>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

impl Plan {
    /// For people, a line each.
    pub fn lines(&self) -> Vec<String> {
        let change = |change: &Option<Change>| {
            change.as_ref().map(|Change { key, line, from, to }| format!("{key} {from} -> {to} (line {line})"))
        };
        let entry = |subject: &str, action: &str, parts: [Option<String>; 2]| {
            let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
            format!("{action:<8} {subject:<10} {}", parts.join("; ")).trim_end().to_owned()
        };
        let steps = self
            .steps
            .iter()
            .map(|step| entry(&step.subject, step.action, [change(&step.change), Some(step.about.clone())]));
        let waiting = self
            .waiting
            .iter()
            .map(|wait| entry(&wait.subject, "wait", [change(&wait.change), Some(wait.about.clone())]));
        steps.chain(waiting).chain(self.notes.iter().map(|note| format!("note: {note}"))).collect()
    }
}

/// What planning knows and collects.
pub(crate) struct Planner<'a, C> {
    pub file: &'a File,
    pub chain: &'a C,
    pub signer: Pubkey,
    pub now: Now,
    pub address: Pubkey,
    /// The market as it is after the steps so far.
    pub market: MarketState,
    pub plan: Plan,
    pub faults: Vec<Fault>,
    /// Roles that a step needs and the signer has not.
    pub missing_role: Option<&'static str>,
}

/// Plans.
///
/// # Errors
/// [`Refused`](crate::source::Refused) where the file breaks an invariant, or differs in what is fixed for good; and what the
/// chain cannot answer.
pub fn plan(file: &File, chain: &impl Chain) -> Result<Plan> {
    let (signer, address) = (chain.signer(), address::market(file.id.value));
    let (now, market) = (chain.now()?, chain.account(&address)?);
    let mut planner = Planner {
        file,
        chain,
        signer,
        now,
        address,
        market: MarketState::zeroed(),
        plan: Plan::default(),
        faults: judge_market(file),
        missing_role: None,
    };
    program::look(file, chain, &mut planner.plan, &mut planner.faults)?;
    planner.look_at_market(market)?;
    let reserves = reserve::look(&mut planner)?;
    file.source.refuse(std::mem::take(&mut planner.faults))?;

    planner.govern_market()?;
    for listed in reserves {
        reserve::govern(&mut planner, listed)?;
    }
    planner.launch();
    file.source.refuse(std::mem::take(&mut planner.faults))?;
    if let Some(role) = planner.missing_role {
        let MarketState { admin, council, .. } = planner.market;
        let [admin, council] = [admin, council].map(Pubkey::new_from_array);
        bail!(
            "{signer} is not {role} of market {}: admin is {admin}, council {council}. Sign with that key",
            file.id.value
        );
    }
    Ok(planner.plan)
}

impl<C: Chain> Planner<'_, C> {
    /// Adds a step that sends an instruction.
    pub fn push(&mut self, subject: &str, action: &'static str, about: String, instruction: Instruction) {
        self.plan.steps.push(Step::new(subject, action, about, Call::Send(Box::new(instruction))));
    }

    /// Notes that the signer should be admin.
    pub fn need_admin(&mut self) {
        if self.market.admin != self.signer.to_bytes() {
            self.missing_role = Some("admin");
        }
    }

    /// Notes that the signer should be admin or council.
    pub fn need_council(&mut self) {
        if ![self.market.admin, self.market.council].contains(&self.signer.to_bytes()) {
            self.missing_role = self.missing_role.or(Some("admin or council"));
        }
    }

    fn subject(&self) -> String {
        format!("market {}", self.file.id.value)
    }

    fn look_at_market(&mut self, found: Option<Account>) -> Result<()> {
        let (file, signer) = (self.file, self.signer);
        let Some(account) = found else {
            // What `create_market` leaves.
            let (me, treasury) =
                (signer.to_bytes(), file.roles.treasury.as_ref().map_or(signer, |holder| holder.value));
            self.market.policy = file.policy;
            (self.market.admin, self.market.guardian, self.market.council) = (me, me, me);
            self.market.treasury = treasury.to_bytes();
            let create = CreateMarket {
                admin: signer,
                id: file.id.value,
                policy: file.policy,
                treasury,
                immutable: file.immutable.value,
            };
            if file.immutable.value {
                self.market.make_immutable();
            }
            let for_good = if file.immutable.value { "; immutable from its launch on" } else { "" };
            let about = format!("{}; the signer is admin, guardian and council{for_good}", self.address);
            self.push(&self.subject(), "create", about, create.instruction());
            return Ok(());
        };
        self.market = decode(self.address, &account)?;
        for field in MarketPolicy::FIELDS {
            let path = Path { table: POLICY, field };
            let [mut on_chain, mut wanted] = [self.market.policy, file.policy];
            if managed::parameter_of_market(field).is_none() && on_chain.number(field) != wanted.number(field) {
                let shown =
                    [&mut on_chain, &mut wanted].map(|policy| path.show(policy.number(field).copied().unwrap_or(0), 0));
                self.fixed(file.place(None, path), &self.subject(), &path.full(), &shown);
            }
        }
        if self.market.is_immutable() != file.immutable.value {
            let [on_chain, wanted] = [self.market.is_immutable(), file.immutable.value].map(|flag| flag.to_string());
            self.fixed(file.immutable.at, &self.subject(), "immutable", &[on_chain, wanted]);
        }
        if self.market.is_launched() && !file.launch.value {
            self.fixed(file.launch.at, &self.subject(), "launch", &["true".into(), "false".into()]);
        }
        Ok(())
    }

    /// Refuses a difference in what never changes.
    pub fn fixed(&mut self, at: usize, subject: &str, key: &str, [on_chain, wanted]: &[String; 2]) {
        let text = format!(
            "`{key}` of {subject} is fixed for good: {on_chain} on the chain, {wanted} here. \
             Write {on_chain}, or make another market"
        );
        self.faults.push(Fault::new(at, text));
    }

    fn govern_market(&mut self) -> Result<()> {
        let (file, mut market) = (self.file, self.market);
        let managed = managed::of_market(file, &market);
        let subject = self.subject();
        govern::reconcile(self, &subject, &managed, &mut Subject::Market(&mut market), 0)?;
        self.market = market;
        govern::hand_over(self, &subject);
        Ok(())
    }

    fn launch(&mut self) {
        if !self.file.launch.value || self.market.is_launched() {
            return;
        }
        self.need_admin();
        let launch = LaunchMarket { admin: self.signer, market: self.address };
        self.push(
            &self.subject(),
            "launch",
            if self.market.is_immutable() {
                "for good; nothing of it changes from here on, and nobody is admin, guardian or council".into()
            } else {
                "for good; a token added later starts with a collateral cap of zero".into()
            },
            launch.instruction(),
        );
    }
}

/// The state in an account of the program.
pub(crate) fn decode<T: AccountState>(address: Pubkey, account: &Account) -> Result<T> {
    let decoded = Owned::<T>::decode_owned(address, &account.owner, &account.data);
    decoded.map(|account| account.state).with_context(|| format!("reading the {} {address}", T::KIND))
}

/// A change in the file's words.
pub(crate) fn change(file: &File, managed: &Managed, from: &str, to: &str) -> Change {
    Change { key: managed.key.clone(), line: file.source.line(managed.at), from: from.to_owned(), to: to.to_owned() }
}

/// Until when, in words.
pub(crate) fn ripens(ripe_at: i64, expires_at: i64) -> String {
    format!("ripe {}, lapses {}", time::show(ripe_at), time::show(expires_at))
}
